//! The object store that `orkee-provider-objects` asks for, in S3's requests.

use orkee_provider_objects::{Guard, Listing, Object, Put, Store, Written};
use orkee_provider_sdk::{
    Failure, HttpError, RejectReason, Rejection, Request, Response, send_all, try_send_all,
};

use crate::address::Address;
use crate::{answer, refusal};

/// So many are listed at once at most.
const PAGE: u32 = 1000;

pub(crate) struct Client {
    address: Address,
}

impl Client {
    pub(crate) fn of_options() -> Result<Self, Failure> {
        Ok(Self { address: Address::of_options()? })
    }

    /// Names the bucket and the prefix.
    pub(crate) fn place(&self) -> String {
        self.address.path("")
    }

    /// What `r/` holds.
    pub(crate) fn records(&mut self, after: Option<&str>, limit: u32) -> Result<Listing, Failure> {
        self.listed("r/", after, limit)
    }

    fn listed(&self, folder: &str, after: Option<&str>, limit: u32) -> Result<Listing, Failure> {
        let mut request = Request::get(self.address.bucket_path())
            .login()
            .query("list-type", "2")
            .query("max-keys", &limit.clamp(1, PAGE).to_string())
            .query("prefix", &self.address.full(folder));
        if let Some(after) = after {
            request = request.query("start-after", &self.address.full(after));
        }
        let reply = request.send()?;
        match reply.status {
            200 => answer::listing(&reply.body, &self.address, date(&reply)?),
            _ => Err(self.failure(&reply)),
        }
    }

    fn read(&self, key: &str) -> Request {
        Request::get(self.address.path(key)).login()
    }

    fn object(&self, reply: Response) -> Result<Option<Object>, Failure> {
        match reply.status {
            200 => Ok(Some(Object { etag: etag(&reply)?, body: reply.body })),
            404 if is_no_such_key(&reply) => Ok(None),
            _ => Err(self.failure(&reply)),
        }
    }

    fn write(&self, put: Put) -> Request {
        let request = Request::put(self.address.path(&put.key)).login().body(put.body);
        let request = request.header("content-type", "application/octet-stream");
        match put.guard {
            Guard::Absent => request.header("if-none-match", "*"),
            Guard::Match(etag) => request.header("if-match", etag),
        }
    }

    fn written(&self, reply: &Response) -> Result<Written, Failure> {
        match reply.status {
            200 | 201 | 204 => Ok(Written::Stored { etag: etag(reply)?, date: date(reply)? }),
            412 => Ok(Written::Refused),
            // The condition names an object that is not there.
            404 if is_no_such_key(reply) => Ok(Written::Refused),
            400 | 413 if is_too_large(reply) => Ok(Written::Rejected(Rejection {
                reason: RejectReason::TooLarge,
                message: "the store takes no object of this size".to_owned(),
            })),
            _ => Err(self.failure(reply)),
        }
    }

    fn failure(&self, reply: &Response) -> Failure {
        refusal::failure(reply, &self.address)
    }
}

impl Store for Client {
    fn get(&mut self, keys: &[String]) -> Result<Vec<Option<Object>>, Failure> {
        let replies = try_send_all(keys.iter().map(|key| self.read(key)));
        let objects = keys.iter().zip(replies).map(|(key, reply)| match reply {
            // Together they were too large; alone it need not be.
            Err(HttpError::TooLarge(_)) if keys.len() > 1 => self.object(self.read(key).send()?),
            reply => self.object(reply?),
        });
        objects.collect()
    }

    fn put(&mut self, puts: Vec<Put>) -> Vec<Result<Written, Failure>> {
        let replies = send_all(puts.into_iter().map(|put| self.write(put)));
        replies.into_iter().map(|reply| self.written(&reply?)).collect()
    }

    fn list(&mut self, folder: &str, after: Option<&str>) -> Result<Listing, Failure> {
        self.listed(folder, after, PAGE)
    }

    fn delete(&mut self, keys: &[String]) -> Result<(), Failure> {
        keys.iter().try_for_each(|key| {
            let reply = Request::delete(self.address.path(key)).login().send()?;
            match reply.status {
                200 | 204 => Ok(()),
                404 if is_no_such_key(&reply) => Ok(()),
                _ => Err(self.failure(&reply)),
            }
        })
    }
}

fn is_no_such_key(reply: &Response) -> bool {
    answer::error(&reply.body).is_some_and(|said| said.code == "NoSuchKey")
}

fn is_too_large(reply: &Response) -> bool {
    answer::error(&reply.body).is_some_and(|said| said.code == "EntityTooLarge")
}

/// A revision has 256 bytes at most, and can be sent in a header.
fn etag(reply: &Response) -> Result<String, Failure> {
    let etag = reply.header("etag").filter(|etag| (1..=256).contains(&etag.len()));
    etag.map(str::to_owned).ok_or_else(|| Failure::Protocol("the store named no ETag".to_owned()))
}

fn date(reply: &Response) -> Result<u64, Failure> {
    reply.date().ok_or_else(|| Failure::Protocol("the store did not say what time it is".to_owned()))
}
