// The kinds of clients that a test may register. Each test has its own, so that none counts another's requests.
import { generateKeyPairSync, randomUUID } from 'node:crypto';

export const PAYMENTS = 'https://api.example/payments';

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

const machine = (method) => ({
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: method,
});

const kinds = {
  basic: machine('client_secret_basic'),
  post: machine('client_secret_post'),
  client_secret_jwt: machine('client_secret_jwt'),
  private_key_jwt: { ...machine('private_key_jwt'), token_endpoint_auth_signing_alg: 'ES256' },
  tls: { ...machine('tls_client_auth'), tls_client_auth_san_dns: 'client.example' },
  web: {
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['https://app.example/callback'],
    token_endpoint_auth_method: 'client_secret_basic',
  },
  // It may come back on any port (RFC 8252 section 7.3).
  native: {
    application_type: 'native',
    grant_types: ['authorization_code', 'refresh_token'],
    redirect_uris: ['http://127.0.0.1/callback'],
    token_endpoint_auth_method: 'none',
  },
  device: {
    application_type: 'native',
    grant_types: [DEVICE_CODE, 'refresh_token'],
    redirect_uris: [],
    response_types: [],
    token_endpoint_auth_method: 'none',
  },
};

// tokenkeep's words for the ways in which a client proves itself, and for the grants.
const AUTHENTICATION = {
  client_secret_basic: 'basic',
  client_secret_jwt: 'client_secret_jwt',
  client_secret_post: 'post',
  none: 'none',
  private_key_jwt: 'private_key_jwt',
  tls_client_auth: 'tls',
};
const GRANTS = { [DEVICE_CODE]: 'device_code' };

// The keys that sign by each algorithm.
const KEYS = {
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519'],
  PS256: ['rsa', { modulusLength: 2048 }],
  RS256: ['rsa', { modulusLength: 2048 }],
};

// A new client of this kind, and what the test wants otherwise (RFC 7591 section 2): what the server knows of it, and
// what it proves itself with.
export function register(kind, wanted) {
  const client = { client_id: `${kind}-${randomUUID()}`, ...kinds[kind], ...wanted };
  const method = client.token_endpoint_auth_method;
  if (method.startsWith('client_secret_')) {
    client.client_secret ??= `SANDBOX-SECRET-${randomUUID()}`;
    return [client, { client_secret: client.client_secret }];
  }
  if (method === 'private_key_jwt') {
    const { publicKey, privateKey } = generateKeyPairSync(...KEYS[client.token_endpoint_auth_signing_alg]);
    client.jwks = { keys: [publicKey.export({ format: 'jwk' })] };
    return [client, { assertion_key: privateKey.export({ format: 'pem', type: 'pkcs8' }) }];
  }
  return [client, {}];
}

// Asks whether tokens live (RFC 7662).
export const [INSPECTOR] = register('basic');

// The settings with which tokenkeep is this client.
export function settings(client, proof, provider) {
  const [grant] = client.grant_types;
  const common = {
    issuer: provider.issuer,
    token_url: provider.urlFor('token'),
    revoke_url: provider.urlFor('revocation'),
    grant: GRANTS[grant] ?? grant,
    client_id: client.client_id,
    client_auth: AUTHENTICATION[client.token_endpoint_auth_method],
    ...proof,
  };
  // A refresh token is for who asks for it, and is asked for anew.
  const person = { ...common, scope: 'openid offline_access read', authorize_extra: 'prompt=consent' };
  switch (grant) {
    case 'authorization_code':
      return { ...person, authorize_url: provider.urlFor('authorization'), redirect_uri: client.redirect_uris[0] };
    case DEVICE_CODE:
      return { ...person, device_url: provider.urlFor('device_authorization') };
    default:
      return common;
  }
}
