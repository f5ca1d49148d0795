"""An S3 store that others wrote: moto, with an empty bucket, and one user whose signatures are checked.

Prints a line of JSON with the URL and the user's keys, then one for each request. For each line of standard input it prints all that
is in the bucket; it ends when standard input does.
"""

import base64
import json
import os
import sys
import threading

import boto3
import requests
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

LOCK = threading.Lock()
APP = DomainDispatcherApplication(create_backend_app)
BUCKET = "projects"


def one_at_a_time(environ, start_response):
    """moto checks a condition and writes in two steps; a store does it in one."""
    with LOCK:
        say({"method": environ["REQUEST_METHOD"], "path": environ["PATH_INFO"]})
        return list(APP(environ, start_response))


def say(line):
    print(json.dumps(line), flush=True)


def objects(url, keys):
    """What is in the bucket: the bytes of each object by its name."""
    signed = {"aws_access_key_id": keys["id"], "aws_secret_access_key": keys["secret"], "region_name": "us-east-1"}
    s3 = boto3.client("s3", endpoint_url=url, **signed)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    names = [found["Key"] for page in pages for found in page.get("Contents", [])]
    body = lambda name: s3.get_object(Bucket=BUCKET, Key=name)["Body"].read()
    return {name: base64.b64encode(body(name)).decode() for name in names}


class Quiet(WSGIRequestHandler):
    def log(self, type, message, *args):
        pass


def prepare(url):
    """A bucket, and a user who may do anything with S3. From here on nobody is let in without a right signature."""
    anybody = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=url, **anybody).create_bucket(Bucket=BUCKET)
    iam = boto3.client("iam", endpoint_url=url, **anybody)
    iam.create_user(UserName="john")
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="john", PolicyName="all", PolicyDocument=json.dumps(policy))
    keys = iam.create_access_key(UserName="john")["AccessKey"]
    requests.post(f"{url}/moto-api/reset-auth", data="0", timeout=10).raise_for_status()
    return {"id": keys["AccessKeyId"], "secret": keys["SecretAccessKey"], "bucket": BUCKET}


def main():
    server = make_server("127.0.0.1", 0, one_at_a_time, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.port}"
    out, sys.stdout = sys.stdout, open(os.devnull, "w")
    keys = prepare(url)
    sys.stdout = out
    say({"url": url, **keys})
    for _ in sys.stdin:
        found = objects(url, keys)
        with LOCK:
            say({"objects": found})
    os._exit(0)


main()
