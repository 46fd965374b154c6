/** CI key, authority, server certificate and every agent's certificate are exchanged while a rollout goes on. */
import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ArtifactVerifier } from '../../src/agent/artifacts.ts';
import { agentConstants, scaled } from '../../src/agent/constants.ts';
import { EnrolledIdentity } from '../../src/agent/enrolment.ts';
import { SimulatedHost } from '../../src/agent/simulated-host.ts';
import { mintServerCertificate } from '../../src/dev/agent-ca.ts';
import { createCa, type PemPair } from '../../src/dev/certificates.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { secretResource } from '../../src/kube/secret.ts';
import { addMillis } from '../../src/api/time.ts';
import type { SigningKey } from '../../src/core/artifacts/sign.ts';
import { WireHost } from '../support/agent-port.ts';
import { newHostKey, newSigningKey, type TestHost } from '../support/enrolment.ts';
import { asText, CI_KEY, signed, trustIn } from '../support/release.ts';
import { priorOf, smallFleetDocuments, targetOf } from '../support/small-fleet.ts';
import { ENROLLING, EnrolmentSite } from './support/enrolment-site.ts';
import { OperatorRoom } from './support/operator-room.ts';

const NAMES = ['web-01', 'web-02', 'web-03', 'web-04', 'web-05', 'web-06'];
const NEW_CI_KEY = newSigningKey();
const FACTOR = 20;
const { freshnessWindow, dispatchFreshnessWindow } = agentConstants;
/** Secrets and files are looked at once a minute. */
const LOOK_MS = 61_000;

interface Agent {
  readonly key: TestHost;
  readonly identity: EnrolledIdentity;
  readonly host: SimulatedHost;
}

let room: OperatorRoom;
let ci: EnrolmentSite;
let newCa: PemPair;
let agents: Agent[] = [];
const switches = new Map<string, number>();

beforeEach(async () => {
  room = await OperatorRoom.open({
    fleet: { agents: ENROLLING },
    settings: { settleGapMs: 1_000, redeliverAfterMs: 1_000 },
    // TLS goes by this machine’s clock, and the room’s leaps ahead: what it issues must not begin in the future.
    startAt: addMillis(systemClock.now(), -15 * 60_000),
  });
  newCa = await createCa('nixfleet agents (next)', {
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2040-01-01'),
  });
  ci = new EnrolmentSite(room.client, room.namespace, () => room.clock.now());
  await ci.trust();
  await ci.publishRevocations({});
});

afterEach(async () => {
  await Promise.all(agents.map(({ host }) => host.stop()));
  agents = [];
  await room.close();
});

async function publish(keys: readonly TestHost[], key: SigningKey): Promise<void> {
  const pubkeys = Object.fromEntries(keys.map(({ hostname, pubkey }) => [hostname, pubkey]));
  const waves = [NAMES.slice(0, 2), NAMES.slice(2, 4), NAMES.slice(4)];
  const documents = smallFleetDocuments({ channels: { stable: { waves } }, pubkeys }, room.clock.now());
  await room.site.put(asText(signed(documents, key)));
}

/** Enrols and starts an agent per key; each trusts both CI keys and both authorities, as its configuration says. */
async function boot(keys: readonly TestHost[]): Promise<void> {
  const trust = trustIn();
  const verifier = new ArtifactVerifier({
    ...trust,
    ciReleaseKey: { ...trust.ciReleaseKey, previous: NEW_CI_KEY.trusted },
  });
  const tokens = keys.map((key) => JSON.stringify(ci.token(key)));
  await ci.publishNonces();
  agents = keys.map((key) => {
    const identity = new EnrolledIdentity({
      controlPlaneUrl: `https://localhost:${room.agentPort}`,
      caPem: `${room.agentCa.certPem}\n${newCa.certPem}`,
      machineId: key.hostname,
      hostKey: key.key,
    });
    const host = new SimulatedHost({
      hostname: key.hostname,
      closure: priorOf(key.hostname),
      identity,
      verifier,
      constants: { ...scaled(agentConstants, FACTOR), freshnessWindow, dispatchFreshnessWindow },
      behaviour: { switchSeconds: 1 },
      feed: (entry) => {
        if (entry.type === 'state' && entry.to === 'Activating') {
          switches.set(entry.host, (switches.get(entry.host) ?? 0) + 1);
        }
      },
    });
    return { key, identity, host };
  });
  await expect.poll(() => canEnrol(tokens[0] ?? '')).toBe(true);
  await Promise.all(
    agents.map(({ identity }, index) =>
      identity.enrol(tokens[index] ?? '', { clock: systemClock, retryMs: 200 }),
    ),
  );
  // The last one is down meanwhile, so that the rollout cannot be over before everything is exchanged.
  for (const { host } of agents.slice(0, -1)) host.start();
}

/** Whether the nonces have arrived; the request itself burns nothing. */
async function canEnrol(token: string): Promise<boolean> {
  const stranger = new WireHost(room.agentPort, room.agentCa.certPem);
  const { status } = await stranger.post('/v1/enroll', `{"token":${token},"csrPem":"x"}`);
  stranger.close();
  return status === 400;
}

async function setAuthority(issuing: PemPair, alsoTrusted: PemPair | undefined): Promise<void> {
  const name = { name: 'agent-ca', namespace: room.namespace };
  const live = await room.client.get(secretResource, name);
  const texts = {
    'tls.crt': issuing.certPem,
    'tls.key': issuing.keyPem,
    ...(alsoTrusted !== undefined && { 'ca.crt': alsoTrusted.certPem }),
  };
  const data = Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]),
  );
  await room.client.replace(secretResource, { ...live, data });
  room.clock.leap(LOOK_MS);
}

async function convergedHosts(): Promise<number> {
  return (await room.records()).filter(({ status }) => status?.state === 'Converged').length;
}

/** Every agent gets its next certificate, and is restarted, as only that makes the real one use it. */
async function renewAll(): Promise<void> {
  await Promise.all(agents.map(({ identity }) => identity.renew()));
  for (const { host } of agents.slice(0, -1)) host.restartAgent(0);
}

async function issuerIs(authority: PemPair): Promise<boolean> {
  await Promise.all(agents.map(({ identity }) => identity.renew()));
  const { publicKey } = new X509Certificate(authority.certPem);
  return agents.every(({ identity }) => new X509Certificate(identity.certPem).verify(publicKey));
}

test('a fleet in mid-rollout survives the exchange of everything, with nothing lost and nothing done twice', async () => {
  const keys = NAMES.map((name) => newHostKey(name));
  await publish(keys, CI_KEY);
  await ci.publishNonces();
  await boot(keys);
  await expect.poll(convergedHosts).toBeGreaterThan(0);

  // The CI key: a successor is announced, signs, and takes over; what the old one signed is refused from now on.
  await ci.trust({ successor: NEW_CI_KEY.trusted, retireAt: addMillis(room.clock.now(), 3_600_000) });
  ci.ciKey = NEW_CI_KEY;
  await publish(keys, NEW_CI_KEY);
  await ci.publishNonces();
  await ci.publishRevocations({});
  await expect.poll(async () => (await room.rollout())?.status?.manifest?.signedAt).toBeDefined();
  await ci.trust({ previous: CI_KEY.trusted });
  await ci.trust();

  // The server's certificate, and of another authority at that.
  await room.writeServerCertificate(await mintServerCertificate(newCa));
  room.clock.leap(LOOK_MS);

  // The agents' authority: trusted first, then issuing, then alone.
  await setAuthority(room.agentCa, newCa);
  await setAuthority(newCa, room.agentCa);
  await expect.poll(() => issuerIs(newCa)).toBe(true);
  await renewAll();
  const old = await WireHost.of({ port: room.agentPort, ca: { ...newCa, ...room.agentCa } }, 'web-01');
  await setAuthority(newCa, undefined);
  expect((await room.rollout())?.status?.state).toBe('Active');
  agents.at(-1)?.host.start();

  await expect.poll(async () => (await room.rollout())?.status?.state, { timeout: 60_000 }).toBe('Terminal');
  expect(await convergedHosts()).toBe(NAMES.length);
  expect(agents.map(({ host }) => host.machine.closure)).toEqual(NAMES.map((name) => targetOf(name)));
  expect(Object.fromEntries(switches)).toEqual(Object.fromEntries(NAMES.map((name) => [name, 1])));
  expect(await room.quarantines()).toEqual([]);
  const { conditions = [] } = (await room.fleet()).status ?? {};
  expect(conditions.find(({ type }) => type === 'Verified')?.status).toBe('True');

  // Who still comes with a certificate of the old authority is not let in.
  await expect(old.get('/v1/whoami')).rejects.toThrow();
  old.close();
}, 120_000);

test('a held poll outlives the exchange of the server certificate and of the authority', async () => {
  const keys = NAMES.map((name) => newHostKey(name));
  await publish(keys, CI_KEY);
  await ci.publishNonces();
  const host = await room.host('web-06');
  await expect.poll(async () => (await host.wire.get('/v1/whoami').catch(() => undefined))?.status).toBe(200);
  const poll = host.wire.get('/v1/agent/dispatch?wait=3');
  await room.writeServerCertificate(await mintServerCertificate(newCa));
  await setAuthority(newCa, room.agentCa);
  const stranger = new WireHost(room.agentPort, newCa.certPem);
  await expect.poll(async () => (await stranger.get('/healthz').catch(() => undefined))?.status).toBe(200);
  stranger.close();
  expect((await poll).status).toBe(204);
});
