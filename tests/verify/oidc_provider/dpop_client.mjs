// A client with npm's `oauth4webapi`: gets a token that is bound to its key from the provider, and calls
// a service with it; both want nonces. Then what a thief would try with the token alone. Each line that
// it prints is what was done and the status that came of it.
import * as oauth from 'oauth4webapi';

const [issuer, resource, url] = process.argv.slice(2);
const insecure = { [oauth.allowInsecureRequests]: true };
const discovered = await oauth.discoveryRequest(new URL(issuer), insecure);
const server = await oauth.processDiscoveryResponse(new URL(issuer), discovered);
const client = { client_id: 'machine' };
const handle = (pair) => oauth.DPoP(client, pair);
const DPoP = handle(await oauth.generateKeyPair('ES256'));

let nonces = 0;
const withNonce = async (call) => {
  try {
    return await call();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    nonces += 1;
    return await call();
  }
};

const grant = await withNonce(async () => {
  const response = await oauth.clientCredentialsGrantRequest(
    server,
    client,
    oauth.ClientSecretBasic('machine-secret'),
    { resource, scope: 'orders:read' },
    { DPoP, ...insecure },
  );
  return await oauth.processClientCredentialsResponse(server, client, response);
});
console.log(`token ${grant.token_type} after ${nonces} nonces`);

const ask = (method, target, handle) =>
  oauth.protectedResourceRequest(grant.access_token, method, new URL(target), new Headers(), null, {
    DPoP: handle,
    ...insecure,
  });
const tell = async (what, call) => {
  let told;
  try {
    told = (await call()).status;
  } catch (error) {
    const [challenge] = (error.cause ?? []).filter(({ scheme }) => scheme === 'dpop');
    told = `${error.status} ${challenge?.parameters.error}`;
  }
  console.log(`${what}: ${told}`);
};

nonces = 0;
await tell('first call', () => withNonce(() => ask('GET', `${url}/orders?page=2`, DPoP)));
console.log(`nonces of the service: ${nonces}`);
await tell('second call', () => ask('GET', `${url}/orders/%C3%A4`, DPoP));
const thief = handle(await oauth.generateKeyPair('ES256'));
await tell('another key', () => withNonce(() => ask('GET', `${url}/orders`, thief)));
const headers = { authorization: `Bearer ${grant.access_token}` };
await tell('as a bearer token', () => fetch(`${url}/orders`, { headers }));
