import { DEFAULT_WEBHOOK_SETTINGS, strangerLimit, type WebhookSettings } from '../webhook/context.ts';

/** What the agent port lets in, as far as flags set it. */
export type AgentLimits = Pick<WebhookSettings, 'maxConnections' | 'handshakesPerSecond' | 'strangerLimit'>;

const { maxConnections, handshakesPerSecond, strangerLimit: strangers } = DEFAULT_WEBHOOK_SETTINGS;

/** The flags that someone with many hosts, perhaps behind one address, may have to raise. */
export const LIMIT_FLAGS = [
  {
    name: 'max-connections',
    value: 'NUMBER',
    help: 'connections of agents at the same time; a sixteenth of them may be without a certificate',
    default: String(maxConnections),
  },
  {
    name: 'handshakes-per-second',
    value: 'NUMBER',
    help: 'TLS handshakes per second; each costs milliseconds of CPU',
    default: String(handshakesPerSecond),
  },
  {
    name: 'enrolments-per-address',
    value: 'NUMBER',
    help: 'requests to enrol per second from one address, such as a NAT gateway; ten times as many at once',
    default: String(strangers.perPeer.perSecond),
  },
  {
    name: 'enrolments-per-second',
    value: 'NUMBER',
    help: 'requests to enrol per second from all addresses together; five times as many at once',
    default: String(strangers.total?.perSecond),
  },
] as const;

/** The limits by the values of their flags. Returns a complaint where they contradict one another. */
export function limitsOf(
  number: (name: (typeof LIMIT_FLAGS)[number]['name']) => number,
): AgentLimits | string {
  const perAddress = number('enrolments-per-address');
  const perSecond = number('enrolments-per-second');
  if (perAddress > perSecond) {
    return `--enrolments-per-address is ${perAddress}, more than --enrolments-per-second (${perSecond}) ever lets in: raise that, too`;
  }
  return {
    maxConnections: number('max-connections'),
    handshakesPerSecond: number('handshakes-per-second'),
    strangerLimit: strangerLimit(perAddress, perSecond),
  };
}
