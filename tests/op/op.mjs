// An OpenID provider for tests, on a free port of 127.0.0.1. Prints {"url": …}, then a line of JSON for each request, and ends when its
// standard input does. OP_TOKEN_TTL: seconds that an access token lives. OP_COMPANY: it is the identity provider of a company, too, with
// the client `orkee-acme`, who is in the groups that this lists, and OP_ALG: what it signs ID tokens with; what an access token for a
// resource is for is that resource.
// OP_ISSUER: its URL, where something before it ends TLS.
// OP_DPOP: bind tokens to keys, with proofs that hold a nonce.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import Provider from 'oidc-provider';

const ttl = Number(process.env.OP_TOKEN_TTL ?? 3600);

const binds = process.env.OP_DPOP !== undefined;
const dPoP = binds ? { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true } : { enabled: false };

const configuration = {
  clients: [{
    client_id: 'orkee-cli',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
    response_types: ['code'],
    redirect_uris: ['http://127.0.0.1/callback', 'http://[::1]/callback'],
  }],
  scopes: ['sync'],
  cookies: { keys: ['only for tests'] },
  features: { deviceFlow: { enabled: true }, revocation: { enabled: true, allowedPolicy: () => true }, dPoP },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: ttl, AuthorizationCode: 60, DeviceCode: 600, Grant: 86400, IdToken: 3600, Interaction: 3600, RefreshToken: 86400, Session: 86400,
  },
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
};

if (process.env.OP_COMPANY !== undefined) {
  const groups = process.env.OP_COMPANY.split(',').filter(Boolean);
  const alg = process.env.OP_ALG ?? 'RS256';
  const kind = { RS256: 'rsa', PS256: 'rsa', ES256: 'ec', EdDSA: 'ed25519' }[alg];
  const { privateKey } = generateKeyPairSync(kind, { modulusLength: 2048, namedCurve: 'P-256' });
  configuration.jwks = { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'company', use: 'sig', alg }] };
  configuration.enabledJWA = { idTokenSigningAlgValues: [alg] };
  configuration.clients.forEach((client) => { client.id_token_signed_response_alg = alg; });
  configuration.clients.push({ ...configuration.clients[0], client_id: 'orkee-acme' });
  configuration.scopes = ['openid', 'email', 'groups', 'sync'];
  configuration.claims = { openid: ['sub'], email: ['email', 'email_verified'], groups: ['groups'] };
  // Claims of a scope stand in the ID token, as most companies' providers have it.
  configuration.conformIdTokenClaims = false;
  configuration.findAccount = async (_, id) => ({
    accountId: id, claims: async () => ({ sub: `subject of ${id}`, email: id, email_verified: true, groups }),
  });
  configuration.extraTokenClaims = async (_, token) => (token.resourceServer
    ? { email: token.accountId, email_verified: true, groups } : undefined);
  configuration.features.resourceIndicators = {
    enabled: true,
    getResourceServerInfo: async (_, resource) => ({
      scope: 'sync', audience: resource, accessTokenTTL: ttl, accessTokenFormat: 'jwt', jwt: { sign: { alg } },
    }),
    useGrantedResource: async () => true,
  };
}
// The thumbprint of the key that made a proof.
const keyOf = async (proof) => {
  try {
    const { protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { algorithms: ['ES256'], typ: 'dpop+jwt' });
    return await calculateJwkThumbprint(protectedHeader.jwk);
  } catch {
    return null;
  }
};

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(process.env.OP_ISSUER ?? url, configuration);
  provider.proxy = process.env.OP_ISSUER !== undefined;
  provider.on('server_error', (_, error) => console.error(error));
  const oidc = provider.callback();
  server.on('request', async (request, response) => {
    const path = request.url.split('?')[0];
    const proof = request.headers.dpop;
    say({ method: request.method, path, proof });
    if (path === '/v1/account') {
      const [scheme, secret] = (request.headers.authorization ?? '').split(' ');
      const token = secret && await provider.AccessToken.find(secret);
      const wanted = token?.jkt ? 'DPoP' : 'Bearer';
      if (token && (scheme !== wanted || (token.jkt && await keyOf(proof) !== token.jkt))) {
        response.writeHead(401, { 'content-type': 'application/json', 'www-authenticate': 'DPoP error="invalid_token"' });
        response.end();
        return;
      }
      response.writeHead(token ? 200 : 401, { 'content-type': 'application/json' });
      response.end(JSON.stringify(token
        ? { id: token.accountId, email: token.accountId, plan: 'Pro Plan' }
        : { error: { code: 'unauthorized', message: 'sign in', request_id: 'op' } }));
      return;
    }
    oidc(request, response);
  });
  say({ url });
});

process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
