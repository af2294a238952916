// A real authorization server on a loopback port: oidc-provider, OpenID certified, with every grant and client
// authentication that tokenkeep knows.
//
//     node server.mjs [--tls CERTIFICATE KEY CA]
//
// It prints one line of JSON when it is ready, and ends when its standard input does. With certificates it also
// listens on a TLS port, where a client can show a certificate of its own (RFC 8705).
//
//     POST /control/clients            {"kind": "web", ...}: registers a client; answers with its settings for tokenkeep
//     POST /control/lifetimes          {"client": ID, "seconds": 1}: how long its next access tokens live
//     GET  /control/requests?client=ID what it asked: endpoint, grant_type, token_type_hint, status, error
//     GET  /control/tokens?client=ID   what it was given, oldest first: kind and value
import http from 'node:http';
import https from 'node:https';
import { readFileSync } from 'node:fs';
import { json } from 'node:stream/consumers';

import './node18.mjs';
import { INSPECTOR, PAYMENTS, register, settings } from './clients.mjs';

// It has much to say of what nobody should do in production. Standard output is for the one line.
console.info = console.warn = () => {};
const { Provider, errors } = await import('oidc-provider');

const TOKENS = ['AccessToken', 'AuthorizationCode', 'ClientCredentials', 'DeviceCode', 'RefreshToken'];

// Every request and every token, each with its client; and how long a client's access tokens live, in seconds.
const requests = [];
const tokens = [];
const lifetimes = new Map();

const lifetime = (ctx, token, { clientId }) => lifetimes.get(clientId) ?? 3600;

function getResourceServerInfo(ctx, resource, client) {
  if (resource !== PAYMENTS) throw new errors.InvalidTarget();
  return { scope: 'payments:read', accessTokenFormat: 'jwt', accessTokenTTL: lifetime(ctx, null, client) };
}

const certificate = (ctx) => ctx.socket.getPeerX509Certificate?.();

const configuration = {
  clients: [INSPECTOR],
  clientAuthMethods: [
    'client_secret_basic', 'client_secret_jwt', 'client_secret_post', 'none', 'private_key_jwt', 'tls_client_auth',
  ],
  features: {
    clientCredentials: { enabled: true },
    deviceFlow: { enabled: true },
    introspection: { enabled: true, allowedPolicy: (ctx, client) => client.clientId === INSPECTOR.client_id },
    mTLS: {
      enabled: true,
      tlsClientAuth: true,
      getCertificate: certificate,
      certificateAuthorized: (ctx) => ctx.socket.authorized,
      certificateSubjectMatches: (ctx, property, expected) =>
        property === 'tls_client_auth_san_dns' && certificate(ctx).checkHost(expected) === expected,
    },
    resourceIndicators: { getResourceServerInfo, useGrantedResource: () => true },
    revocation: { enabled: true, allowedPolicy: (ctx, client, token) => client.clientId === token.clientId },
  },
  findAccount: (ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  rotateRefreshToken: true,
  scopes: ['openid', 'offline_access', 'read', 'write', 'payments:read', 'payments:write'],
  ttl: { AccessToken: lifetime, ClientCredentials: lifetime },
};

function authorizationServer(issuer) {
  const provider = new Provider(issuer, configuration);
  provider.use(async (ctx, next) => {
    await next();
    const { route, client, params } = ctx.oidc ?? {};
    const { grant_type, token_type_hint } = params ?? {};
    requests.push({
      client: client?.clientId,
      endpoint: route,
      grant_type,
      token_type_hint,
      status: ctx.status,
      error: ctx.body?.error,
    });
  });
  provider.on('server_error', (ctx, error) => console.error(error));
  for (const model of TOKENS) {
    const { prototype } = provider[model];
    const { generateTokenId } = prototype;
    // So that a leak can be searched for.
    prototype.generateTokenId = function marked() { return `SANDBOX-TOKEN-${generateTokenId.call(this)}`; };
    const event = model.replace(/(?<=.)[A-Z]/g, '_$&').toLowerCase();
    provider.on(`${event}.saved`, ({ clientId, jti }) => tokens.push({ client: clientId, kind: event, value: jti }));
  }
  return provider;
}

const control = (provider) => ({
  'POST /control/clients': async ({ kind, ...wanted }) => {
    const [client, proof] = register(kind, wanted);
    // Refuses what the specifications do not allow.
    new provider.Client(client);
    await provider.Client.adapter.upsert(client.client_id, client);
    return settings(client, proof, provider);
  },
  'POST /control/lifetimes': ({ client, seconds }) => lifetimes.set(client, seconds),
  'GET /control/requests': (query) => requests.filter(({ client }) => client === query.get('client')),
  'GET /control/tokens': (query) => tokens.filter(({ client }) => client === query.get('client')),
});

function handler(provider) {
  const operations = control(provider);
  const answer = provider.callback();
  return async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, provider.issuer);
    const operation = operations[`${request.method} ${pathname}`];
    if (!operation) return answer(request, response);
    try {
      const argument = request.method === 'POST' ? await json(request) : searchParams;
      return response.end(JSON.stringify(await operation(argument)));
    } catch (error) {
      return response.writeHead(400).end(error.error_description ?? error.stack);
    }
  };
}

const listen = (server) =>
  new Promise((resolve) => { server.listen(0, '127.0.0.1', () => resolve(server.address().port)); });

const plain = http.createServer();
const url = `http://127.0.0.1:${await listen(plain)}`;
const ready = { url, inspector: [INSPECTOR.client_id, INSPECTOR.client_secret] };
const servers = [plain];
const [option, ...files] = process.argv.slice(2);
if (option === '--tls') {
  const [cert, key, ca] = files.map((file) => readFileSync(file));
  const tls = https.createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false });
  ready.tls_url = `https://127.0.0.1:${await listen(tls)}`;
  configuration.discovery = { mtls_endpoint_aliases: { token_endpoint: `${ready.tls_url}/token` } };
  servers.push(tls);
}
const handle = handler(authorizationServer(url));
servers.forEach((server) => server.on('request', handle));
console.log(JSON.stringify(ready));
process.stdin.resume().on('end', () => process.exit());
