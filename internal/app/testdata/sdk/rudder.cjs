// What a program on a server sends with @rudderstack/rudder-sdk-node. It prints what became of each message.
const RudderAnalytics = require('@rudderstack/rudder-sdk-node')

const client = new RudderAnalytics(process.env.KEY, {
  dataPlaneUrl: process.env.HOST, flushAt: 5, flushInterval: 100, logLevel: 'none', retryCount: 30,
  axiosRetryConfig: { retryDelay: () => 50 },
})
const waiting = []
const send = (kind, message) => waiting.push(new Promise((done) => {
  client[kind](message, (error, data) => {
    console.log(JSON.stringify({ id: message.messageId, error: error && String(error) }))
    done()
  })
}))
const all = async () => {
  await Promise.all(waiting.splice(0))
  await client.flush()
}

;(async () => {
  send('identify', {
    messageId: 'r1', userId: 'u1', anonymousId: 'b1',
    traits: { email: 'jane@acme.example', title: 'VP Operations', firstName: 'Jane', lastName: 'Doe' },
    context: { campaign: { name: 'spring', source: 'google', medium: 'cpc' } },
  })
  await all()
  send('group', { messageId: 'r2', userId: 'u1', groupId: 'acme.example', traits: { name: 'Acme', employees: 420 } })
  send('page', { messageId: 'r3', anonymousId: 'b1', name: 'Pricing', properties: { url: 'https://x.example/careers/1' } })
  send('screen', { messageId: 'r4', userId: 'u1', name: 'Home' })
  send('alias', { messageId: 'r5', userId: 'u1', previousId: 'b2' })
  await all()
  for (let i = 0; i < 40; i++) {
    send('track', { messageId: 'rt' + i, userId: 'u1', event: 'Demo Requested', properties: { plan: 'enterprise', i }, originalTimestamp: new Date(Date.now() - 1000 * i) })
  }
  send('track', { messageId: 'r6', anonymousId: 'b2', event: 'Pricing Viewed' })
  await all()
})()
