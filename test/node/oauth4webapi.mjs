// Clients built with oauth4webapi, one function for each flow.
import assert from 'node:assert/strict'
import * as oauth from 'oauth4webapi'
import { approve, run, settings, visit } from './talk.mjs'

const { issuer, client_id, client_secret, redirect_uri, resource, key, kid, initial_access_token } = settings
const local = { [oauth.allowInsecureRequests]: true } // http, on this machine
const server = new URL(issuer)
const as = await oauth
  .discoveryRequest(server, { algorithm: 'oidc', ...local })
  .then((response) => oauth.processDiscoveryResponse(server, response))

const same = await oauth
  .discoveryRequest(server, { algorithm: 'oauth2', ...local })
  .then((response) => oauth.processDiscoveryResponse(server, response))
assert.deepEqual(same, as)

const client = { client_id }
const secret = client_secret && oauth.ClientSecretBasic(client_secret)

async function privateKeyJWT() {
  const imported = await crypto.subtle.importKey('jwk', key, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])
  return oauth.PrivateKeyJwt({ key: imported, kid })
}

async function dpop() {
  return oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
}

// signIn takes the user through the code flow, with everything pushed if asked.
async function signIn({ authentication = secret, proof, push = false, more = {} } = {}) {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  const options = { DPoP: proof, ...local }
  let parameters = new URLSearchParams({
    client_id,
    redirect_uri,
    response_type: 'code',
    scope: 'openid profile email offline_access',
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...more,
  })
  if (push) {
    const response = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options)
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, response)
    parameters = new URLSearchParams({ client_id, request_uri })
  }
  const { url } = await visit(`${as.authorization_endpoint}?${parameters}`)
  const callback = oauth.validateAuthResponse(as, client, url, state)
  const response = await oauth.authorizationCodeGrantRequest(
    as, client, authentication, callback, redirect_uri, verifier, options,
  )
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, response, {
    expectedNonce: nonce, requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(as, response, local)
  return { tokens, sub: oauth.getValidatedIdTokenClaims(tokens).sub, options }
}

async function userinfo(tokens, sub, options) {
  const response = await oauth.userInfoRequest(as, client, tokens.access_token, options)
  return oauth.processUserInfoResponse(as, client, sub, response)
}

async function refresh(tokens, authentication, options) {
  const response = await oauth.refreshTokenGrantRequest(as, client, authentication, tokens.refresh_token, options)
  return oauth.processRefreshTokenResponse(as, client, response)
}

await run({
  async code() {
    const { tokens, sub, options } = await signIn()
    assert.equal((await userinfo(tokens, sub, options)).sub, sub)
    const next = await refresh(tokens, secret, options)
    await oauth
      .revocationRequest(as, client, secret, next.refresh_token, local)
      .then(oauth.processRevocationResponse)
    const seen = await oauth
      .introspectionRequest(as, client, secret, next.access_token, local)
      .then((response) => oauth.processIntrospectionResponse(as, client, response))
    assert.equal(seen.active, false)
    return { sub }
  },

  async fapi() {
    const authentication = await privateKeyJWT()
    const { tokens, sub, options } = await signIn({ authentication, proof: await dpop(), push: true })
    assert.equal(tokens.token_type, 'dpop')
    assert.equal((await userinfo(tokens, sub, options)).sub, sub)
    const next = await refresh(tokens, authentication, options)
    assert.equal(next.token_type, 'dpop')
    return { sub }
  },

  async signed_introspection() {
    const { tokens, sub } = await signIn()
    const response = await oauth.introspectionRequest(as, client, secret, tokens.access_token, {
      requestJwtResponse: true, ...local,
    })
    const seen = await oauth.processIntrospectionResponse(as, client, response)
    await oauth.validateApplicationLevelSignature(as, response, local)
    assert.equal(seen.active, true)
    assert.equal(seen.sub, sub)
    return { sub }
  },

  // The access token is a JWT, and this is the API that takes it.
  async jwt_access_token() {
    const { tokens, sub } = await signIn({ more: { resource } })
    const request = new Request(resource, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    const claims = await oauth.validateJwtAccessToken(as, request, resource, local)
    assert.equal(claims.sub, sub)
    assert.equal(claims.client_id, client_id)
    await assert.rejects(oauth.validateJwtAccessToken(as, request, `${resource}/other`, local))
    return { sub }
  },

  async device() {
    const response = await oauth.deviceAuthorizationRequest(
      as, client, secret, new URLSearchParams({ scope: 'openid email' }), local,
    )
    const waiting = await oauth.processDeviceAuthorizationResponse(as, client, response)
    const poll = () => oauth.deviceCodeGrantRequest(as, client, secret, waiting.device_code, local)
    const early = await poll()
    await assert.rejects(oauth.processDeviceCodeResponse(as, client, early), { error: 'authorization_pending' })
    const hasty = await poll()
    await assert.rejects(oauth.processDeviceCodeResponse(as, client, hasty), { error: 'slow_down' })
    await approve(waiting.user_code)
    await new Promise((resume) => setTimeout(resume, (waiting.interval + 5) * 1000))
    const tokens = await oauth.processDeviceCodeResponse(as, client, await poll())
    return { sub: oauth.getValidatedIdTokenClaims(tokens).sub }
  },

  async client_credentials() {
    const response = await oauth.clientCredentialsGrantRequest(as, client, secret, new URLSearchParams(), local)
    const tokens = await oauth.processClientCredentialsResponse(as, client, response)
    assert.ok(tokens.access_token)
  },

  async registration() {
    const response = await oauth.dynamicClientRegistrationRequest(
      as,
      { redirect_uris: [redirect_uri], client_name: 'Registered by itself' },
      { initialAccessToken: initial_access_token, ...local },
    )
    const registered = await oauth.processDynamicClientRegistrationResponse(response)
    const read = await fetch(registered.registration_client_uri, {
      headers: { authorization: `Bearer ${registered.registration_access_token}` },
    }).then((answer) => answer.json())
    assert.equal(read.client_id, registered.client_id)
    return { client_id: registered.client_id }
  },
})
