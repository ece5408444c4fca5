// A provider built with oidc-provider, at which Gatehouse signs users in. It has
// one client, whom it knows by PKCE as well, and tells addresses by UserInfo only.
import Provider from 'oidc-provider'
import { createServer } from 'node:http'
import { settings } from './talk.mjs'

const { client_id, client_secret, redirect_uri, authentication } = settings
const server = createServer()
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${server.address().port}`

const provider = new Provider(issuer, {
  clients: [{ client_id, client_secret, redirect_uris: [redirect_uri], token_endpoint_auth_method: authentication }],
  cookies: { keys: ['a key of the test'] },
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
  pkce: { required: () => true },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, email: `${sub}@example.org`, email_verified: true, name: 'Olli Kahn' }),
  }),
})
server.on('request', provider.callback())
process.stdout.write(JSON.stringify({ issuer }) + '\n')
