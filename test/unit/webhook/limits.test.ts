import { Socket } from 'node:net';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { HandshakeGate } from '../../../src/webhook/handshake-gate.ts';
import { PeerLimits } from '../../../src/webhook/peer-limits.ts';
import type { WebhookSettings } from '../../../src/webhook/context.ts';
import { createAgentCa } from '../../../src/dev/agent-ca.ts';
import { silentLogger, type Logger } from '../../../src/kube/logger.ts';
import { startAgentPort, WireHost, type AgentPort, type AgentPortOptions } from '../../support/agent-port.ts';
import { newEnrolmentScene } from '../../support/enrolment.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { at, fleet, unreachable } from './support.ts';

const open: { close(): Promise<void> | void }[] = [];

afterEach(async () => {
  for (const item of open.splice(0).toReversed()) await item.close();
});

/** A connection from an address, as the gate sees one. */
function from(address: string): Socket {
  const socket = new Socket();
  Object.defineProperty(socket, 'remoteAddress', { value: address });
  return socket;
}

describe('handshakes', () => {
  test('of a flood and a newcomer, the newcomer is next', async () => {
    const clock = new ManualClock();
    const gate = new HandshakeGate(10, clock);
    const order: string[] = [];
    for (let index = 0; index < 25; index += 1) gate.admit(from('10.0.0.1'), () => order.push('flood'));
    gate.admit(from('10.0.0.2'), () => order.push('newcomer'));
    order.length = 0;
    await clock.advance(220);
    expect(order.slice(0, 2)).toEqual(['flood', 'newcomer']);
    gate.close();
  });

  test('a newcomer finds room in a full line: the flood loses its last', () => {
    let evicted = 0;
    const gate = new HandshakeGate(10, new ManualClock(), () => (evicted += 1));
    const admitted = Array.from({ length: 60 }, () => gate.admit(from('10.0.0.1'), () => undefined));
    expect(admitted.filter(Boolean)).toHaveLength(30);
    expect(gate.admit(from('10.0.0.2'), () => undefined)).toBe(true);
    expect(evicted).toBe(1);
    gate.close();
  });
});

describe('requests', () => {
  const limit = { perPeer: { perSecond: 1, burst: 3 }, runningPerPeer: 2 };

  test('of one peer are let in up to its burst, then at its rate, whatever others do', async () => {
    const clock = new ManualClock();
    const limits = new PeerLimits(limit, clock);
    const ask = (peer: string): boolean => {
      const entry = limits.enter(peer);
      if ('leave' in entry) entry.leave();
      return 'leave' in entry;
    };
    expect([ask('a'), ask('a'), ask('a'), ask('a')]).toEqual([true, true, true, false]);
    expect(ask('b')).toBe(true);
    await clock.advance(1000);
    expect([ask('a'), ask('a')]).toEqual([true, false]);
  });

  test('of one peer run so many at once', () => {
    const limits = new PeerLimits(limit, new ManualClock());
    const [first] = [limits.enter('a'), limits.enter('a')];
    expect(limits.enter('a')).toEqual({ tooMuch: 'peer' });
    if (first !== undefined && 'leave' in first) first.leave();
    expect(limits.enter('a')).toHaveProperty('leave');
  });

  test('of all peers run so many at once', () => {
    const total = { perSecond: 100, burst: 100, running: 2 };
    const limits = new PeerLimits({ ...limit, total }, new ManualClock());
    expect(['a', 'b'].map((peer) => 'leave' in limits.enter(peer))).toEqual([true, true]);
    expect(limits.enter('c')).toEqual({ tooMuch: 'total' });
  });

  test('of all peers come at the rate of all', () => {
    const total = { perSecond: 1, burst: 2, running: 100 };
    const limits = new PeerLimits({ ...limit, total }, new ManualClock());
    expect(['a', 'b'].map((peer) => 'leave' in limits.enter(peer))).toEqual([true, true]);
    expect(limits.enter('c')).toEqual({ tooMuch: 'total' });
  });
});

const ONE = { perSecond: 0.001, burst: 1 };
const MANY = { perSecond: 1, burst: 100 };

/** A logger that keeps its warnings. */
function listening(): { readonly logger: Logger; readonly lines: string[] } {
  const lines: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (_fields, message) => void lines.push(message),
    child: () => logger,
  };
  return { logger, lines };
}

async function port(
  settings: Partial<WebhookSettings>,
  more: Pick<AgentPortOptions, 'logger' | 'admission' | 'ca'> = {},
): Promise<AgentPort> {
  const started = await startAgentPort({ client: unreachable, settings, ...more });
  started.stores.fleets.upsertFromWrite(fleet());
  open.push(started);
  return started;
}

describe('the port', () => {
  test('one host’s flood is refused, and another host is answered in the midst of it', async () => {
    const started = await port({
      hostLimit: { perPeer: { perSecond: 0.001, burst: 10 }, runningPerPeer: 8 },
    });
    const [flooding, quiet] = await Promise.all([
      WireHost.of(started, 'web-01'),
      WireHost.of(started, 'web-02'),
    ]);
    open.push(flooding, quiet);
    const flood = Array.from({ length: 100 }, () => flooding.get('/v1/whoami'));
    expect((await quiet.get('/v1/whoami')).status).toBe(200);
    const statuses = (await Promise.all(flood)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(10);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(started.drops).toContain('rate-limit');
  });

  test.each<[string, string, Partial<WebhookSettings>]>([
    ['one address', 'enrolments-per-address', { strangerLimit: { perPeer: ONE, runningPerPeer: 9 } }],
    [
      'everywhere',
      'enrolments-per-second',
      { strangerLimit: { perPeer: MANY, runningPerPeer: 9, total: { ...ONE, running: 9 } } },
    ],
  ])(
    'of strangers from %s, whoever comes too often is told to wait, and the log names --%s',
    async (_, flag, settings) => {
      const { logger, lines } = listening();
      const ca = await createAgentCa();
      const span = { from: at('09:00:00'), until: at('11:00:00') };
      const { admission } = newEnrolmentScene(ca, span);
      const started = await port(settings, { logger, admission, ca });
      const stranger = new WireHost(started.port, started.ca.certPem);
      open.push(stranger);
      const enrol = () => stranger.post('/v1/enroll', {});
      const first = await enrol();
      expect(first.body).not.toContain('control plane not ready');
      for (let time = 0; time < 2; time += 1) {
        const answer = await enrol();
        expect([answer.status, answer.body]).toEqual([
          503,
          expect.stringContaining('control plane not ready'),
        ]);
      }
      expect(lines.filter((line) => line.includes(`raise --${flag} `))).toHaveLength(1);
    },
  );

  test('strangers have a sixteenth of the connections and never take those of hosts', async () => {
    const { logger, lines } = listening();
    const started = await port({ maxConnections: 32 }, { logger });
    const host = await WireHost.of(started, 'web-01');
    const strangers: TLSSocket[] = [];
    for (let index = 0; index < 6; index += 1) {
      const socket = connectTls({
        port: started.port,
        host: '127.0.0.1',
        ca: started.ca.certPem,
        servername: 'localhost',
      });
      socket.on('error', () => undefined);
      open.push({ close: () => void socket.destroy() });
      await once(socket, 'secureConnect');
      strangers.push(socket);
    }
    await expect
      .poll(() => strangers.filter(({ destroyed, readableEnded }) => destroyed || readableEnded).length)
      .toBe(4);
    expect(lines).toEqual([expect.stringContaining('raise --max-connections ')]);
    open.push(host);
    expect((await host.get('/v1/whoami')).status).toBe(200);
    expect(started.refusedConnections).toContain('too-many');
  });
});

test.each<[SecureVersion, boolean]>([
  ['TLSv1.1', false],
  ['TLSv1.2', true],
  ['TLSv1.3', true],
])('%s: spoken %s', async (version, spoken) => {
  const started = await port({});
  const socket = connectTls({
    port: started.port,
    host: '127.0.0.1',
    ca: started.ca.certPem,
    servername: 'localhost',
    minVersion: version,
    maxVersion: version,
    ciphers: 'DEFAULT@SECLEVEL=0',
  });
  open.push({ close: () => void socket.destroy() });
  const outcome = await once(socket, 'secureConnect').then(
    () => true,
    () => false,
  );
  expect(outcome).toBe(spoken);
});
