import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostResource } from '../../src/api/kinds/resources.ts';
import { addMillis, type Timestamp } from '../../src/api/time.ts';
import { EVENTS } from '../../src/kube/events.ts';
import { configMapResource } from '../../src/kube/blob-store.ts';
import { WireHost, type WireAnswer } from '../support/agent-port.ts';
import { newHostKey, newSigningKey, type TestHost } from '../support/enrolment.ts';
import { certificateIn } from './support/enrolment-room.ts';
import { ENROLLING, EnrolmentSite } from './support/enrolment-site.ts';
import { OperatorRoom } from './support/operator-room.ts';

const DAY_MS = 86_400_000;
const NOT_READY = '{"error":"control plane not ready","reason":"awaiting first signed artifact"}';

let room: OperatorRoom;
let ci: EnrolmentSite;
let web01: TestHost;
const wires: WireHost[] = [];

beforeEach(async () => {
  room = await OperatorRoom.open({ fleet: { agents: ENROLLING }, logLevel: 'error' });
  ci = new EnrolmentSite(room.client, room.namespace, () => room.clock.now());
  web01 = newHostKey('web-01');
  await ci.trust();
});

afterEach(async () => {
  for (const opened of wires.splice(0)) opened.close();
  await room.close();
});

function wire(certPem?: string, host = web01): WireHost {
  const certificate = certPem === undefined ? undefined : { certPem, keyPem: host.key.keyPem };
  const opened = new WireHost(room.agentPort, room.agentCa.certPem, certificate);
  wires.push(opened);
  return opened;
}

async function publishRelease(): Promise<void> {
  const pubkeys = { 'web-01': web01.pubkey };
  await room.publish({ channels: { stable: { waves: [['web-01', 'web-02']] } }, pubkeys });
}

async function enrol(): Promise<WireAnswer> {
  const token = ci.token(web01);
  await ci.publishNonces();
  return askUntilReady(token);
}

/** As the agent does: again while the control plane is not ready or does not know the nonce yet. */
async function askUntilReady(token: object): Promise<WireAnswer> {
  const body = { token, csrPem: await web01.csr() };
  await expect
    .poll(async () => (await wire().post('/v1/enroll', { ...body, csrPem: 'x' })).status, { timeout: 20_000 })
    .toBe(400);
  return wire().post('/v1/enroll', body);
}

async function statusOf(host: WireHost): Promise<number> {
  return (await host.get('/v1/whoami')).status;
}

async function revokedBefore(hostname: string): Promise<string | undefined> {
  const host = await room.client.get(hostResource, { name: hostname, namespace: room.namespace });
  return host.spec.revokedBefore;
}

describe('readiness', () => {
  test('agents wait for the release, the nonces and the revocations, each in turn', async () => {
    const first = await wire().post('/v1/enroll', {});
    expect([first.status, first.body, first.headers['retry-after']]).toEqual([503, NOT_READY, '30']);
    await publishRelease();
    await expect.poll(() => room.rollout()).toBeDefined();
    expect((await wire().post('/v1/enroll', {})).body).toBe(NOT_READY);
    await ci.publishRevocations({});
    expect((await wire().post('/v1/enroll', {})).body).toBe(NOT_READY);
    await ci.publishNonces();
    await expect.poll(async () => (await wire().post('/v1/enroll', {})).status).toBe(422);
  });
});

describe('a fleet with signed side documents', () => {
  beforeEach(async () => {
    await publishRelease();
    await ci.publishRevocations({});
    await ci.publishNonces();
  });

  test('a host enrols with a token whose nonce was published, and people see it on its Host', async () => {
    const answer = await enrol();
    expect(answer.status).toBe(200);
    expect(await statusOf(wire(certificateIn(answer).certPem))).toBe(200);
    await expect
      .poll(async () =>
        (await room.client.list(EVENTS, { namespace: room.namespace })).items.map(({ reason }) => reason),
      )
      .toContain('HostEnrolled');
  });

  test('what a withdrawn CI key has signed lets nobody in any more', async () => {
    const token = ci.token(web01);
    await ci.publishNonces();
    await askUntilReady(token);
    const other = ci.token(web01);
    await ci.publishNonces();
    await ci.trust({ rejectBefore: addMillis(room.clock.now(), 60_000) });
    // The release is signed with it as well. So at first nobody knows the nonce (401), and then nothing is in force.
    await expect
      .poll(async () => (await wire().post('/v1/enroll', { token: other, csrPem: 'x' })).status)
      .toBe(503);
  });

  test('what a burned nonce left behind goes a day after it could have been used', async () => {
    await enrol();
    const burned = async (): Promise<number> => {
      const labelSelector = 'nixfleet.dev/burned-nonce';
      return (await room.client.list(configMapResource, { namespace: room.namespace, labelSelector })).items
        .length;
    };
    room.clock.leap(DAY_MS);
    await room.publish({ channels: { stable: { waves: [['web-01']] } }, digit: '2' });
    expect(await burned()).toBe(1);
    room.clock.leap(DAY_MS);
    await expect.poll(burned).toBe(0);
  });
});

describe('revocation', () => {
  let host: WireHost;
  let at: Timestamp;

  beforeEach(async () => {
    await publishRelease();
    await ci.publishRevocations({});
    host = wire(certificateIn(await enrol()).certPem);
    at = addMillis(room.clock.now(), 1_000);
  });

  async function revoke(): Promise<void> {
    await ci.publishRevocations({ 'web-01': at, 'gone-01': at });
    await expect.poll(() => statusOf(host)).toBe(401);
    await expect.poll(() => revokedBefore('web-01')).toBe(at);
  }

  test('is in force as soon as the document is published, and kept on the Host', async () => {
    expect(await statusOf(host)).toBe(200);
    await revoke();
  });

  test('ends a poll that is held at that moment', async () => {
    const poll = host.get('/v1/agent/dispatch?wait=60');
    await revoke();
    expect((await poll).status).toBe(401);
  });

  test('neither a shorter document nor a restart takes it back, of names without a Host neither', async () => {
    await revoke();
    await ci.publishRevocations({});
    await room.stopOperator();
    await room.startOperator();
    await expect.poll(() => statusOf(host)).toBe(401);
    const ledger = await room.client.get(configMapResource, {
      name: 'lab-revoked-before',
      namespace: room.namespace,
    });
    expect(JSON.parse(ledger.data?.['revoked-before.json'] ?? '')).toEqual({ 'gone-01': at, 'web-01': at });
  });

  test('a Host that is deleted and made anew is revoked again', async () => {
    await revoke();
    await ci.publishRevocations({});
    await room.client.delete(hostResource, { name: 'web-01', namespace: room.namespace });
    await expect.poll(() => revokedBefore('web-01').catch(() => 'gone')).toBe(at);
    expect(await statusOf(host)).toBe(401);
  });

  test('a host that enrols again after it is let in', async () => {
    await revoke();
    let again = host;
    // Certificates begin at whole seconds: one of this very second may be too old still.
    await expect.poll(async () => statusOf((again = wire(certificateIn(await enrol()).certPem)))).toBe(200);
    expect(await statusOf(again)).toBe(200);
    expect(await statusOf(host)).toBe(401);
  });
});

test('what runs out soon is on the Fleet and in its Events: a key whose successor waits', async () => {
  await publishRelease();
  await ci.publishRevocations({});
  await ci.publishNonces();
  const renewal = async (): Promise<string | undefined> =>
    (await room.fleet()).status?.conditions?.find(({ type }) => type === 'RenewalDue')?.reason;
  await expect.poll(renewal).toBe('NothingDue');
  const retireAt = addMillis(room.clock.now(), -1_000);
  await ci.trust({ successor: newSigningKey().trusted, retireAt });
  // It looks once a minute, and may look before it has seen the new trust config.
  const aMinuteLater = async (): Promise<string | undefined> => {
    room.clock.leap(61_000);
    return renewal();
  };
  await expect.poll(aMinuteLater, { interval: 1_000 }).toBe('KeyRotationDue');
  await expect
    .poll(async () =>
      (await room.client.list(EVENTS, { namespace: room.namespace })).items.map(({ reason }) => reason),
    )
    .toContain('KeyRotationDue');
});
