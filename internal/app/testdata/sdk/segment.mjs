// What a program on a server sends with @segment/analytics-node. It prints what became of each message.
import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({ writeKey: process.env.KEY, host: process.env.HOST, flushAt: 5, maxRetries: 30 })
const told = (error, context) => console.log(JSON.stringify({ id: context.event.messageId, error: error && String(error) }))

analytics.identify({
  userId: 'u1', anonymousId: 'b1',
  traits: { email: 'jane@acme.example', title: 'VP Operations', firstName: 'Jane', lastName: 'Doe' },
  context: { campaign: { name: 'spring', source: 'google', medium: 'cpc' } },
}, told)
analytics.group({ userId: 'u1', groupId: 'acme.example', traits: { name: 'Acme', employees: 420 } }, told)
analytics.page({ anonymousId: 'b1', name: 'Pricing', properties: { url: 'https://x.example/careers/1' } }, told)
analytics.screen({ userId: 'u1', name: 'Home' }, told)
analytics.alias({ userId: 'u1', previousId: 'b2' }, told)
await analytics.flush()
for (let i = 0; i < 40; i++) {
  analytics.track({ userId: 'u1', event: 'Demo Requested', properties: { plan: 'enterprise', i }, timestamp: new Date(Date.now() - 1000 * i) }, told)
}
analytics.track({ anonymousId: 'b2', event: 'Pricing Viewed' }, told)
await analytics.closeAndFlush()
