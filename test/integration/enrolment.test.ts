import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { enrol, renew } from '../../src/agent/enrolment.ts';
import { addMillis, epochMillis, timestampFromMillis, type Timestamp } from '../../src/api/time.ts';
import type { BootstrapToken } from '../../src/api/wire/enroll.ts';
import { createAgentCa } from '../../src/dev/agent-ca.ts';
import type { PemPair } from '../../src/dev/certificates.ts';
import { configMapResource, type ConfigMap } from '../../src/kube/blob-store.ts';
import { systemClock } from '../../src/kube/clock.ts';
import { KubeError } from '../../src/kube/errors.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import { silentLogger, type Logger } from '../../src/kube/logger.ts';
import { burnedNonceName } from '../../src/webhook/nonce-burn.ts';
import { WireHost, type WireAnswer } from '../support/agent-port.ts';
import { newEnrolmentScene, newHostKey, type EnrolmentScene, type TestHost } from '../support/enrolment.ts';
import { FleetObjects } from '../support/fleet-objects.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { clientOf } from '../support/widgets.ts';
import { startReplica, type Replica } from './support/replica.ts';
import { adminKubeconfig, newNamespace } from './support/shared-cluster.ts';

const DAY_MS = 86_400_000;
const LIFETIME_MS = 30 * DAY_MS;

let client: KubeClient;
let ca: PemPair;
let namespace: string;
let clock: ManualClock;
let scene: EnrolmentScene;
let web01: TestHost;
let replica: Replica;
const audit: object[] = [];
const open: { close(): Promise<void> | void }[] = [];

beforeAll(async () => {
  client = clientOf(adminKubeconfig());
  ca = await createAgentCa();
});

beforeEach(async () => {
  namespace = await newNamespace('enrolment');
  const objects = new FleetObjects(client, namespace);
  await objects.fleet();
  await objects.host();
  // TLS goes by the machine’s clock: what is issued a little later here must be valid there already.
  clock = new ManualClock(timestampFromMillis(Date.now() - 60_000));
  const now = clock.now();
  scene = newEnrolmentScene(ca, { from: addMillis(now, -3_600_000), until: addMillis(now, 3_600_000) });
  web01 = newHostKey('web-01');
  scene.hosts.set('web-01', { pubkey: web01.pubkey });
  audit.length = 0;
  replica = await newReplica();
});

afterEach(async () => {
  for (const item of open.splice(0).toReversed()) await item.close();
});

afterAll(() => client.close());

async function newReplica(through: KubeClient = client): Promise<Replica> {
  const log: Logger = {
    ...silentLogger,
    info: (fields) => void audit.push(fields),
    warn: (fields) => void audit.push(fields),
  };
  const started = await startReplica(through, namespace, {
    ca,
    clock,
    admission: scene.admission,
    audit: log,
  });
  open.push(started);
  return started;
}

function stranger(at: Replica = replica): WireHost {
  const host = new WireHost(at.port, ca.certPem);
  open.push(host);
  return host;
}

async function ask(token: BootstrapToken, csrPem: string, at: Replica = replica): Promise<WireAnswer> {
  return stranger(at).post('/v1/enroll', { token, csrPem });
}

async function burned(): Promise<readonly ConfigMap[]> {
  const { items } = await client.list(configMapResource, {
    namespace,
    labelSelector: 'nixfleet.dev/burned-nonce',
  });
  return items;
}

function certificateIn({ body }: WireAnswer): X509Certificate {
  return new X509Certificate((JSON.parse(body) as { certPem: string }).certPem);
}

describe('the first certificate', () => {
  test('a listed token and a request with the declared key are worth exactly the certificate of §2.3', async () => {
    const answer = await ask(scene.token(web01), await web01.csr());
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json');
    const { certPem, notAfter } = JSON.parse(answer.body) as { certPem: string; notAfter: Timestamp };
    expect(Object.keys(JSON.parse(answer.body) as object)).toEqual(['certPem', 'notAfter']);
    expect(certPem.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
    const leaf = new X509Certificate(certPem);
    const second = Math.floor(epochMillis(clock.now()) / 1000) * 1000;
    expect({
      subject: leaf.subject,
      san: leaf.subjectAltName,
      usages: leaf.keyUsage,
      ca: leaf.ca,
      from: leaf.validFromDate.getTime(),
      to: leaf.validToDate.getTime(),
      issued: leaf.verify(new X509Certificate(ca.certPem).publicKey),
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
      key: Buffer.from(web01.key.publicKey),
      notAfter: timestampFromMillis(second + LIFETIME_MS),
    });
  });

  test('the agent’s own code enrols with it, is let in as that host, and renews', async () => {
    const applicant = {
      controlPlaneUrl: `https://localhost:${replica.port}`,
      caPem: ca.certPem,
      machineId: 'web-01',
      hostKey: web01.key,
    };
    const token = JSON.stringify(scene.token(web01));
    const first = await enrol(applicant, token, { clock: systemClock });
    const host = new WireHost(replica.port, ca.certPem, { certPem: first.certPem, keyPem: web01.key.keyPem });
    open.push(host);
    expect(JSON.parse((await host.get('/v1/whoami')).body)).toMatchObject({
      cn: 'agent-web-01.fleet.example',
    });
    await clock.advance(DAY_MS);
    const next = await renew(applicant, first.certPem);
    expect(next.notAfter).toBe(addMillis(first.notAfter, DAY_MS));
    expect(new X509Certificate(next.certPem).subject).toBe('CN=agent-web-01.fleet.example');
  });

  test('an Event on the Host and an audit line tell of it, and nothing in the line is secret', async () => {
    const token = scene.token(web01);
    await ask(token, await web01.csr());
    expect(scene.notes).toMatchObject([
      { reason: 'HostEnrolled', type: 'Normal', about: { kind: 'Host', metadata: { name: 'web-01' } } },
    ]);
    expect(audit).toEqual([
      {
        at: clock.now(),
        requester_cn: 'web-01',
        issued_cn: 'agent-web-01.fleet.example',
        not_after: expect.any(String),
        context: `enroll/${burnedNonceName(token.claims.nonce)}`,
      },
    ]);
    expect(JSON.stringify(audit)).not.toContain(token.claims.nonce);
  });

  test('the nonce is burned in an immutable ConfigMap that says until when it matters', async () => {
    const token = scene.token(web01);
    await ask(token, await web01.csr());
    expect(await burned()).toMatchObject([
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
    const token = scene.token(web01);
    expect((await ask(token, await web01.csr())).status).toBe(200);
    expect((await ask(token, await web01.csr())).status).toBe(409);
    expect(await burned()).toHaveLength(1);
  });

  test('of forty requests that race on two replicas one is answered with a certificate', async () => {
    const other = await newReplica();
    const token = scene.token(web01);
    const csr = await web01.csr();
    const racing = Array.from({ length: 40 }, (_, index) =>
      ask(token, csr, index % 2 === 0 ? replica : other),
    );
    const statuses = (await Promise.all(racing)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(39);
    expect(await burned()).toHaveLength(1);
    expect(scene.notes).toHaveLength(1);
  });

  test('a burn whose answer gets lost still counts for the request that made it', async () => {
    const lossy = await newReplica(losingAnswersTo(client, 'burned-nonce-'));
    const token = scene.token(web01);
    expect((await ask(token, await web01.csr(), lossy)).status).toBe(200);
    expect((await ask(token, await web01.csr())).status).toBe(409);
  });

  test('a burn that the API server did not take is a 500, and the token can be used again', async () => {
    const down = await newReplica(
      withCreate(client, () =>
        Promise.reject(new KubeError({ status: 503, reason: 'Down', message: 'down' })),
      ),
    );
    const token = scene.token(web01);
    expect((await ask(token, await web01.csr(), down)).status).toBe(500);
    expect((await ask(token, await web01.csr())).status).toBe(200);
  });
});

describe('a request that cannot succeed burns nothing', () => {
  const other = newHostKey('web-02');

  test.each<[string, number, () => Promise<[BootstrapToken, string]>]>([
    ['its nonce is not listed', 401, async () => [unlisted(), await web01.csr()]],
    [
      'its nonce is listed for another host',
      401,
      async () => [scene.token(web01, {}, { hostname: 'web-02' }), await web01.csr()],
    ],
    [
      'the listing is over',
      401,
      async () => [scene.token(web01, {}, { expiresAt: addMillis(clock.now(), -1) }), await web01.csr()],
    ],
    [
      'the token is not in force yet',
      401,
      async () => [scene.token(web01, { issuedAt: addMillis(clock.now(), 1) }), await web01.csr()],
    ],
    [
      'the token ends in this moment',
      401,
      async () => [scene.token(web01, { expiresAt: clock.now() }), await web01.csr()],
    ],
    [
      'somebody else signed it',
      401,
      async () => [{ ...scene.token(web01), signature: scene.token(other).signature }, await web01.csr()],
    ],
    ['it is of version 2', 401, async () => [{ ...scene.token(web01), version: 2 }, await web01.csr()]],
    [
      'no org root key is in force',
      500,
      async () => {
        scene.fault.orgRoot = 'none';
        return [scene.token(web01), await web01.csr()];
      },
    ],
    ['the request is no PKCS#10', 400, async () => Promise.resolve([scene.token(web01), 'not a request'])],
    ['the request is for another name', 401, async () => [scene.token(web01), await web01.csr('web-02')]],
    ['the request has another key', 401, async () => [scene.token(web01), await other.csr('web-01')]],
    [
      'the host is not declared',
      401,
      async () => {
        scene.hosts.clear();
        return [scene.token(web01), await web01.csr()];
      },
    ],
    [
      'the host is declared without a key',
      401,
      async () => {
        scene.hosts.set('web-01', { pubkey: null });
        return [scene.token(web01), await web01.csr()];
      },
    ],
    [
      'another key is declared',
      401,
      async () => {
        scene.hosts.set('web-01', { pubkey: other.pubkey });
        return [scene.token(web01), await web01.csr()];
      },
    ],
    [
      'there is no authority',
      500,
      async () => {
        scene.fault.authority = 'none';
        return [scene.token(web01), await web01.csr()];
      },
    ],
    [
      'no release is in force',
      503,
      async () => {
        scene.fault.noRelease = true;
        return [scene.token(web01), await web01.csr()];
      },
    ],
  ])('%s: %i', async (_, status, prepare) => {
    const [token, csr] = await prepare();
    const answer = await ask(token, csr);
    expect(answer.status).toBe(status);
    if (status !== 503) expect(answer.body).toBe('');
    expect(await burned()).toEqual([]);
    expect(scene.notes).toEqual([]);
  });

  function unlisted(): BootstrapToken {
    const token = scene.token(web01);
    scene.nonces.length = 0;
    return token;
  }

  test('a side document that was not verified yet makes the whole port not ready, which agents wait for', async () => {
    scene.fault.unready = true;
    const answer = await ask(scene.token(web01), await web01.csr());
    expect([answer.status, answer.body]).toEqual([
      503,
      '{"error":"control plane not ready","reason":"awaiting first signed artifact"}',
    ]);
    expect(answer.headers['retry-after']).toBe('30');
  });
});

describe('renewal', () => {
  let own: WireHost;

  beforeEach(async () => {
    const answer = await ask(scene.token(web01), await web01.csr());
    const certPem = certificateIn(answer).toString();
    own = new WireHost(replica.port, ca.certPem, { certPem, keyPem: web01.key.keyPem });
    open.push(own);
    scene.notes.length = 0;
  });

  async function ask2(csrPem: string): Promise<WireAnswer> {
    return own.post('/v1/agent/renew', { csrPem });
  }

  test('is told as an Event and an audit line that name the certificate before', async () => {
    expect((await ask2(await web01.csr())).status).toBe(200);
    expect(scene.notes).toMatchObject([{ reason: 'CertificateRenewed' }]);
    expect(audit.at(-1)).toMatchObject({
      requester_cn: 'agent-web-01.fleet.example',
      context: expect.stringMatching(/^renew\/prev:[0-9a-f]{64}$/),
    });
  });

  test('needs a certificate', async () => {
    expect((await stranger().post('/v1/agent/renew', { csrPem: await web01.csr() })).status).toBe(401);
  });

  test('is never for another host, although its key is declared there, too', async () => {
    scene.hosts.set('web-02', { pubkey: web01.pubkey });
    expect((await ask2(await web01.csr('web-02'))).status).toBe(401);
    expect((await ask2(await web01.csr('agent-web-02.fleet.example'))).status).toBe(401);
  });

  test('may name the certificate in full', async () => {
    const answer = await ask2(await web01.csr('agent-web-01.fleet.example'));
    expect(certificateIn(answer).subject).toBe('CN=agent-web-01.fleet.example');
  });

  test.each<[string, number, () => Promise<string> | string]>([
    ['no request', 400, () => 'x'],
    ['another key than the declared one', 401, () => newHostKey('web-01').csr()],
    [
      'a host that is no longer declared',
      401,
      () => {
        scene.hosts.clear();
        return web01.csr();
      },
    ],
    [
      'no authority',
      500,
      () => {
        scene.fault.authority = 'none';
        return web01.csr();
      },
    ],
  ])('%s: %i', async (_, status, csr) => {
    expect((await ask2(await csr())).status).toBe(status);
    expect(scene.notes).toEqual([]);
  });

  test('is refused once the certificate is revoked, and a newer one passes', async () => {
    await clock.advance(5_000);
    scene.revoked.set('web-01', clock.now());
    expect((await ask2(await web01.csr())).status).toBe(401);
    await clock.advance(5_000);
    const again = await ask(scene.token(web01), await web01.csr());
    const certPem = certificateIn(again).toString();
    const renewed = new WireHost(replica.port, ca.certPem, { certPem, keyPem: web01.key.keyPem });
    open.push(renewed);
    expect((await renewed.get('/v1/whoami')).status).toBe(200);
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
