/** Raw bytes on the socket, before and inside TLS: whatever comes, the port goes on and forgets it. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls, TLSSocket } from 'node:tls';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { heapBytes, openSockets, startFuzzPort, type FuzzPort } from './support/fuzz-port.ts';
import { LIMIT_MS, runs } from './support/runs.ts';

const HEAP_SLACK_BYTES = 48 * 1024 * 1024;

let room: FuzzPort;
let baseline: { readonly sockets: number; readonly heap: number };

beforeAll(async () => {
  room = await startFuzzPort();
  baseline = { sockets: openSockets(), heap: heapBytes() };
});

afterAll(() => room.close());

const bytes = (max: number) => fc.uint8Array({ maxLength: max }).map((array) => Buffer.from(array));

/** Beginnings of TLS records and of other protocols. */
const hello = fc.oneof(
  bytes(300),
  bytes(300).map((rest) => Buffer.concat([Buffer.from([0x16, 3, 1, 0xff, 0xff]), rest])),
  bytes(64).map((rest) => Buffer.concat([Buffer.from([0x16, 3, 1, 0, rest.length, 1]), rest])),
  fc
    .constantFrom('GET / HTTP/1.1\r\n\r\n', 'SSH-2.0-x\r\n', 'PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n', '')
    .map((text) => Buffer.from(text)),
);

const line = fc.oneof(
  fc.constantFrom(
    'GET /v1/whoami HTTP/1.1',
    'POST /v1/agent/events HTTP/1.1',
    'GET /healthz HTTP/1.0',
    'GET http://evil.example/v1/whoami HTTP/1.1',
    'CONNECT evil.example:443 HTTP/1.1',
    'PRI * HTTP/2.0',
    'GET  /v1/whoami  HTTP/1.1',
    'get /v1/whoami http/1.1',
    'GET /v1/whoami',
    'GET /v1/whoami HTTP/9.9',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 200 }),
  fc.integer({ min: 1, max: 40_000 }).map((length) => `GET /${'x'.repeat(length)} HTTP/1.1`),
);
const field = fc.oneof(
  fc.constantFrom(
    'Host: x',
    'Content-Length: 5',
    'Content-Length: -1',
    'Content-Length: 5, 6',
    'Content-Length: 99999999999999999999',
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding : chunked',
    'Connection: upgrade\r\nUpgrade: websocket',
    'Connection: close',
    'Expect: 100-continue',
    ' folded: yes',
    ': no name',
    'no colon',
    'Content-Type: application/json',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 100 }),
  fc.integer({ min: 1, max: 20_000 }).map((length) => `X: ${'x'.repeat(length)}`),
);
const end = fc.constantFrom(
  '\r\n\r\n',
  '\n\n',
  '\r\n',
  '',
  '\r\n\r\n0\r\n\r\n',
  '\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  '\r\n\r\nffffffffffffffff\r\n',
);
const message = fc
  .tuple(line, fc.array(field, { maxLength: 120 }), end, bytes(500))
  .map(([first, fields, last, rest]) =>
    Buffer.concat([Buffer.from(`${[first, ...fields].join('\r\n')}${last}`, 'latin1'), rest]),
  );

/** Sends the pieces and ends; resolves once the connection is closed or the other side has answered. */
function play(socket: Socket, pieces: readonly Buffer[], abort: boolean): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    const done = (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('data', (chunk) => (answer += chunk.toString('latin1')));
    socket.on('error', done);
    socket.on('close', done);
    for (const piece of pieces) socket.write(piece);
    if (!abort) socket.end();
    else if (socket instanceof TLSSocket) socket.once('secureConnect', done);
    else socket.resetAndDestroy();
  });
}

test(
  'instead of a handshake',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(hello, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (pieces, abort) => {
          const answer = await play(connectTcp(room.port.port, '127.0.0.1'), pieces, abort);
          expect(answer).not.toContain('HTTP/1.1 2');
        },
      ),
      runs(2),
    );
  },
  LIMIT_MS,
);

test(
  'instead of HTTP, from nobody: no answer but a refusal',
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(message, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (pieces, abort) => {
          const socket = connectTls({
            port: room.port.port,
            host: '127.0.0.1',
            ca: room.port.ca.certPem,
            servername: 'localhost',
          });
          const answer = await play(socket, pieces, abort);
          const statuses = [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));
          for (const status of statuses) {
            if (!answer.includes('"last_tick_at"'))
              expect([400, 401, 404, 405, 408, 417, 431, 100, 413]).toContain(status);
          }
        },
      ),
      runs(2),
    );
  },
  LIMIT_MS,
);

test('afterwards the port answers, nothing was written, and heap and sockets are back where they were', async () => {
  expect((await room.insider.get('/v1/whoami')).status).toBe(200);
  room.expectIntact();
  expect(room.api.writes.filter((write) => write.startsWith('update'))).toEqual([]);
  room.insider.close();
  room.stranger.close();
  await expect.poll(openSockets, { timeout: 15_000 }).toBeLessThanOrEqual(baseline.sockets);
  await expect.poll(() => heapBytes() - baseline.heap, { timeout: 10_000 }).toBeLessThan(HEAP_SLACK_BYTES);
});
