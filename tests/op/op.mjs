// An OpenID provider for tests, on a free port of 127.0.0.1. Prints {"url": …}, then a line of JSON for each request, and ends when its
// standard input does. OP_TOKEN_TTL: seconds that an access token lives.

import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const ttl = Number(process.env.OP_TOKEN_TTL ?? 3600);

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
  features: { deviceFlow: { enabled: true }, revocation: { enabled: true, allowedPolicy: () => true } },
  issueRefreshToken: async () => true,
  rotateRefreshToken: true,
  ttl: {
    AccessToken: ttl, AuthorizationCode: 60, DeviceCode: 600, Grant: 86400, IdToken: 3600, Interaction: 3600, RefreshToken: 86400, Session: 86400,
  },
  findAccount: async (_, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
};

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const url = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(url, configuration);
  provider.on('server_error', (_, error) => console.error(error));
  const oidc = provider.callback();
  server.on('request', async (request, response) => {
    const path = request.url.split('?')[0];
    say({ method: request.method, path });
    if (path === '/v1/account') {
      const bearer = (request.headers.authorization ?? '').replace(/^Bearer /, '');
      const token = await provider.AccessToken.find(bearer);
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
