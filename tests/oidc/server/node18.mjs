// Lets oidc-provider run on Node 18, which is what Debian 12 has: it asks for 22, and what it misses below that is a
// global, one function of URL and one of node:crypto. To be imported before it. Node 20 and newer need nothing.
import * as crypto from 'node:crypto';
import { register } from 'node:module';

if (!crypto.hash) {
  globalThis.crypto ??= crypto.webcrypto;
  URL.parse ??= (text, base) => {
    try {
      return new URL(text, base);
    } catch {
      return null;
    }
  };
  // A module's exports cannot be added to, so everybody but the stand-in itself is given a stand-in.
  const source = (text) => `data:text/javascript,${encodeURIComponent(text)}`;
  const standIn = source(`
    export * from 'node:crypto';
    import { createHash } from 'node:crypto';
    export const hash = (algorithm, data, encoding = 'hex') => createHash(algorithm).update(data).digest(encoding);
  `);
  register(source(`
    export const resolve = (specifier, context, next) =>
      specifier === 'node:crypto' && !context.parentURL.startsWith('data:')
        ? { url: ${JSON.stringify(standIn)}, shortCircuit: true }
        : next(specifier, context);
  `));
}
