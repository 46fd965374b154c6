import { X509Certificate } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { enrol, renew } from '../../src/agent/enrolment.ts';
import { addMillis, epochMillis, timestampFromMillis, type Timestamp } from '../../src/api/time.ts';
import type { BootstrapToken } from '../../src/api/wire/enroll.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { burnedNonceName } from '../../src/webhook/nonce-burn.ts';
import { newHostKey } from '../support/enrolment.ts';
import { EnrolmentRoom } from './support/enrolment-room.ts';

const DAY_MS = 86_400_000;
const LIFETIME_MS = 30 * DAY_MS;

let room: EnrolmentRoom;

beforeEach(async () => {
  room = await EnrolmentRoom.open();
});

afterEach(() => room.close());

describe('the first certificate', () => {
  test('a listed token and a request with the declared key are worth exactly the certificate of §2.3', async () => {
    const answer = await room.ask(room.scene.token(room.web01), await room.web01.csr());
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    const { certPem, notAfter } = JSON.parse(answer.body) as { certPem: string; notAfter: Timestamp };
    expect(Object.keys(JSON.parse(answer.body) as object)).toEqual(['certPem', 'notAfter']);
    expect(certPem.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
    const leaf = new X509Certificate(certPem);
    const second = Math.floor(epochMillis(room.clock.now()) / 1000) * 1000;
    expect({
      subject: leaf.subject,
      san: leaf.subjectAltName,
      usages: leaf.keyUsage,
      ca: leaf.ca,
      from: leaf.validFromDate.getTime(),
      to: leaf.validToDate.getTime(),
      issued: leaf.verify(new X509Certificate(room.ca.certPem).publicKey),
      key: leaf.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32),
      notAfter,
    }).toEqual({
      subject: 'CN=agent-web-01.fleet.example',
      san: 'DNS:agent-web-01.fleet.example',
      usages: ['1.3.6.1.5.5.7.3.2'],
      ca: false,
      from: second,
      to: second + LIFETIME_MS,
      issued: true,
      key: Buffer.from(room.web01.key.publicKey),
      notAfter: timestampFromMillis(second + LIFETIME_MS),
    });
  });

  test('the agent’s own code enrols with it, is let in as that host, and renews', async () => {
    const applicant = {
      controlPlaneUrl: `https://localhost:${room.replica.port}`,
      caPem: room.ca.certPem,
      machineId: 'web-01',
      hostKey: room.web01.key,
    };
    const token = JSON.stringify(room.scene.token(room.web01));
    const first = await enrol(applicant, token, { clock: systemClock });
    const host = room.wire({ certPem: first.certPem, keyPem: room.web01.key.keyPem });
    expect(JSON.parse((await host.get('/v1/whoami')).body)).toMatchObject({
      cn: 'agent-web-01.fleet.example',
    });
    await room.clock.advance(DAY_MS);
    const next = await renew(applicant, first.certPem);
    expect(next.notAfter).toBe(addMillis(first.notAfter, DAY_MS));
    expect(new X509Certificate(next.certPem).subject).toBe('CN=agent-web-01.fleet.example');
  });

  test('an Event on the Host and an audit line tell of it, and nothing in the line is secret', async () => {
    const token = room.scene.token(room.web01);
    await room.ask(token, await room.web01.csr());
    expect(room.scene.notes).toMatchObject([
      { reason: 'HostEnrolled', type: 'Normal', about: { kind: 'Host', metadata: { name: 'web-01' } } },
    ]);
    expect(room.audit).toEqual([
      {
        at: room.clock.now(),
        requester_cn: 'web-01',
        issued_cn: 'agent-web-01.fleet.example',
        not_after: expect.any(String),
        context: `enroll/${burnedNonceName(token.claims.nonce)}`,
      },
    ]);
    expect(JSON.stringify(room.audit)).not.toContain(token.claims.nonce);
  });

  test('the Event names a host whose object the leader has yet to make', async () => {
    const web02 = newHostKey('web-02');
    room.scene.hosts.set('web-02', { pubkey: web02.pubkey });
    expect((await room.ask(room.scene.token(web02), await web02.csr())).status).toBe(200);
    expect(room.scene.notes).toMatchObject([
      {
        reason: 'HostEnrolled',
        about: { kind: 'Host', metadata: { name: 'web-02', namespace: room.namespace } },
      },
    ]);
  });

  test('the nonce is burned in an immutable ConfigMap that says until when it matters', async () => {
    const token = room.scene.token(room.web01);
    await room.ask(token, await room.web01.csr());
    expect(await room.burned()).toMatchObject([
      {
        immutable: true,
        metadata: { name: burnedNonceName(token.claims.nonce) },
        data: { hostname: 'web-01', expiresAt: token.claims.expiresAt },
      },
    ]);
  });
});

describe('a nonce is burned exactly once', () => {
  test('the second request with a token is refused with 409', async () => {
    const token = room.scene.token(room.web01);
    expect((await room.ask(token, await room.web01.csr())).status).toBe(200);
    expect((await room.ask(token, await room.web01.csr())).status).toBe(409);
    expect(await room.burned()).toHaveLength(1);
  });

  test('of forty requests that race on two replicas one is answered with a certificate', async () => {
    const other = await room.newReplica();
    const token = room.scene.token(room.web01);
    const csr = await room.web01.csr();
    const racing = Array.from({ length: 40 }, (_, index) =>
      room.ask(token, csr, index % 2 === 0 ? room.replica : other),
    );
    const statuses = (await Promise.all(racing)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(39);
    expect(await room.burned()).toHaveLength(1);
    expect(room.scene.notes).toHaveLength(1);
  });

  test('a burn whose answer gets lost still counts for the request that made it', async () => {
    const lossy = await room.newReplica(losingAnswersTo(room.client, 'burned-nonce-'));
    const token = room.scene.token(room.web01);
    expect((await room.ask(token, await room.web01.csr(), lossy)).status).toBe(200);
    expect((await room.ask(token, await room.web01.csr())).status).toBe(409);
  });

  test('a burn that the API server did not take is a 500, and the token can be used again', async () => {
    const down = await room.newReplica(
      withCreate(room.client, () =>
        Promise.reject(new KubeError({ status: 503, reason: 'Down', message: 'down' })),
      ),
    );
    const token = room.scene.token(room.web01);
    expect((await room.ask(token, await room.web01.csr(), down)).status).toBe(500);
    expect((await room.ask(token, await room.web01.csr())).status).toBe(200);
  });
});

describe('D13: a request that cannot succeed burns nothing', () => {
  const other = newHostKey('web-02');

  test.each<[string, number, () => Promise<[BootstrapToken, string]>]>([
    ['its nonce is not listed', 401, async () => [unlisted(), await room.web01.csr()]],
    [
      'its nonce is listed for another host',
      401,
      async () => [room.scene.token(room.web01, {}, { hostname: 'web-02' }), await room.web01.csr()],
    ],
    [
      'the listing is over',
      401,
      async () => [
        room.scene.token(room.web01, {}, { expiresAt: addMillis(room.clock.now(), -1) }),
        await room.web01.csr(),
      ],
    ],
    [
      'the token is not in force yet',
      401,
      async () => [
        room.scene.token(room.web01, { issuedAt: addMillis(room.clock.now(), 1) }),
        await room.web01.csr(),
      ],
    ],
    [
      'the token ends in this moment',
      401,
      async () => [room.scene.token(room.web01, { expiresAt: room.clock.now() }), await room.web01.csr()],
    ],
    [
      'somebody else signed it',
      401,
      async () => [
        { ...room.scene.token(room.web01), signature: room.scene.token(other).signature },
        await room.web01.csr(),
      ],
    ],
    [
      'it is of version 2',
      401,
      async () => [{ ...room.scene.token(room.web01), version: 2 }, await room.web01.csr()],
    ],
    [
      'no org root key is in force',
      500,
      async () => {
        room.scene.fault.orgRoot = 'none';
        return [room.scene.token(room.web01), await room.web01.csr()];
      },
    ],
    [
      'the request is no PKCS#10',
      400,
      async () => Promise.resolve([room.scene.token(room.web01), 'not a request']),
    ],
    [
      'the request is for another name',
      401,
      async () => [room.scene.token(room.web01), await room.web01.csr('web-02')],
    ],
    [
      'the request has another key',
      401,
      async () => [room.scene.token(room.web01), await other.csr('web-01')],
    ],
    [
      'the host is not declared',
      401,
      async () => {
        room.scene.hosts.clear();
        return [room.scene.token(room.web01), await room.web01.csr()];
      },
    ],
    [
      'the host is declared without a key',
      401,
      async () => {
        room.scene.hosts.set('web-01', { pubkey: null });
        return [room.scene.token(room.web01), await room.web01.csr()];
      },
    ],
    [
      'another key is declared',
      401,
      async () => {
        room.scene.hosts.set('web-01', { pubkey: other.pubkey });
        return [room.scene.token(room.web01), await room.web01.csr()];
      },
    ],
    [
      'there is no authority',
      500,
      async () => {
        room.scene.fault.authority = 'none';
        return [room.scene.token(room.web01), await room.web01.csr()];
      },
    ],
    [
      'no release is in force',
      503,
      async () => {
        room.scene.fault.noRelease = true;
        return [room.scene.token(room.web01), await room.web01.csr()];
      },
    ],
  ])('%s: %i', async (_, status, prepare) => {
    const [token, csr] = await prepare();
    const answer = await room.ask(token, csr);
    expect(answer.status).toBe(status);
    if (status !== 503) expect(answer.body).toBe('');
    expect(await room.burned()).toEqual([]);
    expect(room.scene.notes).toEqual([]);
  });

  function unlisted(): BootstrapToken {
    const token = room.scene.token(room.web01);
    room.scene.nonces.length = 0;
    return token;
  }

  test('a side document that was not verified yet makes the whole port not ready, which agents wait for', async () => {
    room.scene.fault.unready = true;
    const answer = await room.ask(room.scene.token(room.web01), await room.web01.csr());
    expect([answer.status, answer.body]).toEqual([
      503,
      '{"error":"control plane not ready","reason":"awaiting first signed artifact"}',
    ]);
    expect(answer.headers['retry-after']).toBe('30');
  });
});

/** A client whose creates of these ConfigMaps are done, and whose answers are lost. */
function losingAnswersTo(through: KubeClient, prefix: string): KubeClient {
  return withCreate(through, async (resource, object, options) => {
    const created = await through.create(resource, object, options);
    if (!object.metadata.name.startsWith(prefix)) return created;
    throw new KubeError({ status: 0, reason: 'ConnectionFailed', message: 'the answer got lost' });
  });
}

function withCreate(through: KubeClient, create: KubeClient['create']): KubeClient {
  return new Proxy(through, {
    get: (target, property) => {
      if (property === 'create') return create;
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
