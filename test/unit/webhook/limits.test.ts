import { Socket } from 'node:net';
import { connect as connectTls, type SecureVersion, type TLSSocket } from 'node:tls';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { HandshakeGate } from '../../../src/webhook/handshake-gate.ts';
import { PeerLimits } from '../../../src/webhook/peer-limits.ts';
import type { WebhookSettings } from '../../../src/webhook/context.ts';
import { startAgentPort, WireHost, type AgentPort } from '../../support/agent-port.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { fleet, unreachable } from './support.ts';

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
      const leave = limits.enter(peer);
      leave?.();
      return leave !== undefined;
    };
    expect([ask('a'), ask('a'), ask('a'), ask('a')]).toEqual([true, true, true, false]);
    expect(ask('b')).toBe(true);
    await clock.advance(1000);
    expect([ask('a'), ask('a')]).toEqual([true, false]);
  });

  test('of one peer run so many at once', () => {
    const limits = new PeerLimits(limit, new ManualClock());
    const [first] = [limits.enter('a'), limits.enter('a')];
    expect(limits.enter('a')).toBeUndefined();
    first?.();
    expect(limits.enter('a')).toBeDefined();
  });

  test('of all peers run so many at once', () => {
    const total = { perSecond: 100, burst: 100, running: 2 };
    const limits = new PeerLimits({ ...limit, total }, new ManualClock());
    expect(
      [limits.enter('a'), limits.enter('b'), limits.enter('c')].map((leave) => leave !== undefined),
    ).toEqual([true, true, false]);
  });
});

async function port(settings: Partial<WebhookSettings>): Promise<AgentPort> {
  const started = await startAgentPort({ client: unreachable, settings });
  started.stores.fleets.upsertFromWrite(fleet());
  open.push(started);
  return started;
}

describe('the port', () => {
  test('one host’s flood is refused, and another host is answered in the midst of it', async () => {
    const started = await port({ hostLimit: { perPeer: { perSecond: 1, burst: 10 }, runningPerPeer: 8 } });
    const [flooding, quiet] = await Promise.all([
      WireHost.of(started, 'web-01'),
      WireHost.of(started, 'web-02'),
    ]);
    open.push(flooding, quiet);
    const flood = Array.from({ length: 100 }, () => flooding.get('/v1/whoami'));
    expect((await quiet.get('/v1/whoami')).status).toBe(200);
    const statuses = (await Promise.all(flood)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(12);
    expect(new Set(statuses)).toEqual(new Set([200, 503]));
    expect(started.drops).toContain('rate-limit');
  });

  test('strangers have a sixteenth of the connections and never take those of hosts', async () => {
    const started = await port({ maxConnections: 32 });
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
