// The npm package oidc-provider with its storage in memory, to be measured beside
// Gatehouse. It says where it listens and what to ask it with.
import { Provider } from 'oidc-provider'

console.info = console.warn // its notices: only the test's line goes to standard output

const client = {
  client_id: 'load',
  client_secret: 'a-secret-that-is-long-enough-for-this',
  grant_types: ['client_credentials', 'authorization_code', 'refresh_token'],
  redirect_uris: ['https://app.example.org/callback'],
  response_types: ['code'],
}

const listener = await new Promise((ready) => {
  import('node:http').then(({ createServer }) => {
    const server = createServer()
    server.listen(0, '127.0.0.1', () => ready(server))
  })
})
const issuer = `http://localhost:${listener.address().port}`

const provider = new Provider(issuer, {
  clients: [client],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true },
    devInteractions: { enabled: false },
  },
  findAccount: (_, accountId) => ({ accountId, claims: () => ({ sub: accountId, email: 'olli@example.org' }) }),
  claims: { openid: ['sub'], email: ['email'] },
  cookies: { keys: ['only for this measurement'] },
})
listener.on('request', provider.callback())

// A user's tokens, as if they had signed in.
const accountId = 'olli'
const loaded = await provider.Client.find(client.client_id)
const grant = new provider.Grant({ accountId, clientId: client.client_id })
grant.addOIDCScope('openid email offline_access')
const grantId = await grant.save()
const token = { accountId, client: loaded, grantId, scope: 'openid email offline_access', gty: 'authorization_code' }
const access_token = await new provider.AccessToken(token).save()
const refresh_token = await new provider.RefreshToken(token).save()

process.stdout.write(JSON.stringify({ issuer, client_id: client.client_id, client_secret: client.client_secret, access_token, refresh_token }) + '\n')
