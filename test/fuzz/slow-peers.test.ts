/** Peers that begin and do not go on: each is ended in time, and nobody waits for it. */
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openSockets, startFuzzPort, type FuzzPort } from './support/fuzz-port.ts';

let room: FuzzPort;

beforeAll(async () => {
  room = await startFuzzPort();
});

afterAll(() => room.close());

async function secured(): Promise<Socket> {
  const options = {
    port: room.port.port,
    host: '127.0.0.1',
    ca: room.port.ca.certPem,
    servername: 'localhost',
  };
  const socket = connectTls(options);
  await once(socket, 'secureConnect');
  return socket;
}

test('no handshake, no end of the headers, a header a second: all are ended, while hosts are answered', async () => {
  const before = openSockets();
  const silent = connectTcp(room.port.port, '127.0.0.1');
  const half = await secured();
  half.write('GET /v1/whoami HTTP/1.1\r\nHost: x\r\n');
  const dripping = await secured();
  dripping.write('GET /v1/whoami HTTP/1.1\r\n');
  const drip = setInterval(() => dripping.write(`X-${Math.random()}: x\r\n`), 1_000);
  const peers = [silent, half, dripping];
  for (const peer of peers) {
    peer.on('error', () => undefined);
    peer.resume();
  }
  expect((await room.insider.get('/v1/whoami')).status).toBe(200);
  await expect
    .poll(() => peers.filter(({ closed }) => closed).length, { timeout: 40_000, interval: 250 })
    .toBe(3);
  clearInterval(drip);
  expect((await room.insider.get('/v1/whoami')).status).toBe(200);
  room.insider.close();
  await expect.poll(openSockets, { timeout: 10_000 }).toBeLessThanOrEqual(before);
}, 60_000);
