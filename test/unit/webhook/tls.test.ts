import { afterEach, expect, test } from 'vitest';
import {
  createAgentCa,
  mintExpiredAgentCertificate,
  mintForeignAgentCertificate,
  mintServerCertificate,
} from '../../../src/dev/agent-ca.ts';
import { startAgentPort, SUFFIX, WireHost, type AgentPort } from '../../support/agent-port.ts';
import { fleet, unreachable } from './support.ts';

const open: { close(): Promise<void> | void }[] = [];
const web01 = { machineId: 'web-01', suffix: SUFFIX };

afterEach(async () => {
  for (const item of open.splice(0).toReversed()) await item.close();
});

async function start(): Promise<AgentPort> {
  const port = await startAgentPort({ client: unreachable });
  port.stores.fleets.applyList([fleet()], '10', 0);
  open.push(port);
  return port;
}

function keep(host: WireHost): WireHost {
  open.push(host);
  return host;
}

test('a certificate of our authority makes its owner known', async () => {
  const port = await start();
  const host = keep(await WireHost.of(port, 'web-01'));
  const answer = await host.get('/v1/whoami');
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toMatchObject({ cn: 'agent-web-01.fleet.example' });
});

test('an ed25519 certificate is as good as any', async () => {
  const port = await start();
  const host = keep(await WireHost.of(port, 'web-01', { keyType: 'ed25519' }));
  expect((await host.get('/v1/whoami')).status).toBe(200);
});

test('no certificate at all passes the handshake, and is 401 where one is needed', async () => {
  const port = await start();
  const host = keep(new WireHost(port.port, port.ca.certPem));
  expect((await host.get('/healthz')).status).toBe(200);
  const answer = await host.get('/v1/whoami');
  expect([answer.status, answer.body]).toEqual([401, '']);
  expect(port.refusedConnections).toEqual([]);
});

test('an expired certificate ends the connection before any HTTP', async () => {
  const port = await start();
  const host = keep(
    new WireHost(port.port, port.ca.certPem, await mintExpiredAgentCertificate(port.ca, web01)),
  );
  await expect(host.get('/healthz')).rejects.toThrow();
  expect(port.refusedConnections).toEqual(['certificate']);
});

test('a certificate of another authority with the same name ends the connection before any HTTP', async () => {
  const port = await start();
  const host = keep(new WireHost(port.port, port.ca.certPem, await mintForeignAgentCertificate(web01)));
  await expect(host.get('/healthz')).rejects.toThrow();
  expect(port.refusedConnections).toEqual(['certificate']);
});

test('a server certificate is no client certificate', async () => {
  const port = await start();
  const host = keep(new WireHost(port.port, port.ca.certPem, await mintServerCertificate(port.ca)));
  await expect(host.get('/healthz')).rejects.toThrow();
});

test('refused connections leave the others running', async () => {
  const port = await start();
  const good = keep(await WireHost.of(port, 'web-01'));
  expect((await good.get('/v1/whoami')).status).toBe(200);
  const foreign = await mintForeignAgentCertificate(web01);
  for (let i = 0; i < 5; i += 1) {
    await expect(keep(new WireHost(port.port, port.ca.certPem, foreign)).get('/healthz')).rejects.toThrow();
  }
  expect((await good.get('/v1/whoami')).status).toBe(200);
});

test('a common name outside the canonical form is taken verbatim', async () => {
  const port = await start();
  const host = keep(await WireHost.of(port, 'web-01', { commonName: 'web-01' }));
  expect(JSON.parse((await host.get('/v1/whoami')).body)).toMatchObject({ cn: 'web-01' });
});

test('a rotated authority holds for new connections; held polls stay and move on with their next answer', async () => {
  const port = await start();
  const host = keep(await WireHost.of(port, 'web-01'));
  const held = host.get('/v1/agent/dispatch?wait=60');
  await expect.poll(() => port.parked).toBe(1);

  const next = await createAgentCa('the next authority');
  const server = await mintServerCertificate(next);
  port.webhook.updateTls({ cert: server.certPem, key: server.keyPem, clientCa: next.certPem });
  expect(port.parked).toBe(1);
  const stranger = keep(
    new WireHost(port.port, next.certPem, await mintForeignAgentCertificate({ ...web01, machineId: 'x' })),
  );
  await expect(stranger.get('/healthz')).rejects.toThrow();
  const renewed = keep(await WireHost.of({ port: port.port, ca: next }, 'web-01'));
  // The second poll of a host ends its first one.
  const second = renewed.get('/v1/agent/dispatch?wait=0');
  expect([(await held).status, (await held).headers['connection']]).toEqual([204, 'close']);
  expect((await second).status).toBe(204);
});

test('a client CA without any certificate is refused with the remedy', async () => {
  const port = await start();
  const server = await mintServerCertificate(port.ca);
  expect(() => port.webhook.updateTls({ cert: server.certPem, key: server.keyPem, clientCa: '' })).toThrow(
    /give the CA that signs agent certificates/,
  );
});
