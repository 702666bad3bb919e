// A provider of sign-ins. Prints its address and ends with its input. Whoever types the name of an account is let in.
import { createServer } from 'node:http'
import Provider from 'oidc-provider'

const accounts = {
  ada: { email: 'Ada@northwind.example', email_verified: true, name: 'Ada Lind', groups: ['sales-team', 'everybody'] },
  bo: { email: 'bo@northwind.example', email_verified: true, name: 'Bo Ek', groups: ['crm-admins', 'rep'] },
  eve: { email: 'ada@northwind.example', email_verified: false, name: 'Eve', groups: [] },
  twin: { email: 'ada@northwind.example', email_verified: true, name: 'Another Ada', groups: ['everybody'] },
}

const server = createServer()
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'baton', client_secret: 'the secret of baton', redirect_uris: process.env.BACK.split(' ') }],
    scopes: ['openid', 'email', 'profile', 'groups'],
    claims: { email: ['email', 'email_verified'], profile: ['name'], groups: ['groups'] },
    conformIdTokenClaims: process.env.CONFORM === 'yes', // the claims are not in the token then, and have to be asked for
    pkce: { required: () => true },
    cookies: { keys: ['a key of this test'] },
    features: { devInteractions: { enabled: true } },
    findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
  })
  server.on('request', provider.callback())
  console.log(issuer)
})
process.stdin.resume().on('end', () => process.exit())
