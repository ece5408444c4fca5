// Relying parties built with openid-client, one function for each flow.
import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { approve, run, settings, visit } from './talk.mjs'

const { issuer, client_id, client_secret, redirect_uri, key, kid, initial_access_token } = settings
const server = new URL(issuer)
const local = { execute: [client.allowInsecureRequests] } // http, on this machine

// It posts the secret by default; the clients here are registered with Basic.
const discover = (metadata = {}, authentication = client.ClientSecretBasic(client_secret)) =>
  client.discovery(server, client_id, metadata, authentication, local)

const importKey = (jwk) =>
  crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign'])

const privateKey = async () => ({ key: await importKey(key), kid })

// signIn takes the user through the authorization code flow. build makes the
// address to visit.
async function signIn(config, { build = client.buildAuthorizationUrl, more = {}, options } = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const parameters = {
    redirect_uri,
    scope: 'openid profile email offline_access',
    state: client.randomState(),
    nonce: client.randomNonce(),
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...more,
  }
  const { url, form } = await visit(await build(config, parameters))
  const arrived = form
    ? new Request(url, { method: 'POST', body: new URLSearchParams(form) })
    : url
  const tokens = await client.authorizationCodeGrant(
    config,
    arrived,
    { pkceCodeVerifier, expectedState: parameters.state, expectedNonce: parameters.nonce, idTokenExpected: true },
    undefined,
    options,
  )
  const info = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, options)
  assert.equal(info.email_verified, true)
  return tokens
}

// refresh gets the next tokens. The refresh tokens of FAPI clients, which prove
// who they are, are not rotated.
async function refresh(config, tokens, options, rotated = true) {
  const next = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, options)
  assert.notEqual(next.access_token, tokens.access_token)
  assert.equal(next.refresh_token !== tokens.refresh_token, rotated)
  assert.equal(next.claims().sub, tokens.claims().sub)
  return next
}

await run({
  async code() {
    const config = await discover()
    const tokens = await refresh(config, await signIn(config))
    const seen = await client.tokenIntrospection(config, tokens.access_token)
    assert.equal(seen.active, true)
    assert.equal(seen.sub, tokens.claims().sub)
    await client.tokenRevocation(config, tokens.refresh_token)
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, false)
    await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { error: 'invalid_grant' })
    return { sub: tokens.claims().sub }
  },

  async par() {
    const config = await discover()
    const tokens = await signIn(config, { build: client.buildAuthorizationUrlWithPAR })
    return { sub: tokens.claims().sub }
  },

  async jar() {
    const config = await discover()
    const signing = await privateKey()
    const build = (config, parameters) => client.buildAuthorizationUrlWithJAR(config, parameters, signing)
    return { sub: (await signIn(config, { build, more: { max_age: '3600' } })).claims().sub }
  },

  async form_post() {
    const config = await discover()
    return { sub: (await signIn(config, { more: { response_mode: 'form_post' } })).claims().sub }
  },

  async hybrid() {
    const config = await discover()
    client.useCodeIdTokenResponseType(config)
    const tokens = await signIn(config, { more: { response_mode: 'form_post', response_type: 'code id_token' } })
    return { sub: tokens.claims().sub }
  },

  async dpop() {
    const config = await discover()
    const options = { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) }
    const tokens = await signIn(config, { options })
    assert.equal(tokens.token_type, 'dpop')
    const next = await refresh(config, tokens, options)
    assert.equal(next.token_type, 'dpop')
    await assert.rejects(client.fetchUserInfo(config, next.access_token, tokens.claims().sub), 'the proof is missing')
    return { sub: tokens.claims().sub }
  },

  async private_key_jwt() {
    const config = await discover({}, client.PrivateKeyJwt(await privateKey()))
    const own = await client.clientCredentialsGrant(config)
    assert.ok(own.access_token)
    return { sub: (await refresh(config, await signIn(config))).claims().sub }
  },

  async fapi() {
    const config = await discover({}, client.PrivateKeyJwt(await privateKey()))
    const options = { DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256')) }
    const build = (config, parameters) => client.buildAuthorizationUrlWithPAR(config, parameters, options)
    const tokens = await signIn(config, { build, options })
    return { sub: (await refresh(config, tokens, options, false)).claims().sub }
  },

  async client_credentials() {
    const config = await discover()
    const tokens = await client.clientCredentialsGrant(config)
    assert.equal((await client.tokenIntrospection(config, tokens.access_token)).client_id, client_id)
  },

  async device() {
    const config = await discover()
    const waiting = await client.initiateDeviceAuthorization(config, { scope: 'openid email' })
    assert.match(waiting.verification_uri_complete, new RegExp(`user_code=${waiting.user_code}`))
    await approve(waiting.user_code)
    const tokens = await client.pollDeviceAuthorizationGrant(config, waiting)
    return { sub: tokens.claims().sub }
  },

  async logout() {
    const config = await discover()
    const tokens = await signIn(config)
    const { url } = await visit(
      client.buildEndSessionUrl(config, {
        id_token_hint: tokens.id_token,
        post_logout_redirect_uri: settings.post_logout_redirect_uri,
        state: 'signed-out',
      }),
    )
    assert.equal(url.searchParams.get('state'), 'signed-out')
    return { sub: tokens.claims().sub }
  },

  async registration() {
    const config = await client.dynamicClientRegistration(
      server,
      { redirect_uris: [redirect_uri], grant_types: ['authorization_code', 'refresh_token'], client_name: 'Registered by itself' },
      client.ClientSecretBasic(),
      { ...local, initialAccessToken: initial_access_token },
    )
    const tokens = await signIn(config)
    return { sub: tokens.claims().sub, client_id: config.clientMetadata().client_id }
  },
})
