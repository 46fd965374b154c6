import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fleet, FleetSpec } from '../../../src/api/kinds/fleet.ts';
import { addMillis, type Timestamp } from '../../../src/api/time.ts';
import { SideDocuments } from '../../../src/controllers/side-documents/side-documents.ts';
import { signDocument, type SigningKey } from '../../../src/core/artifacts/sign.ts';
import type { ConfigMap } from '../../../src/kube/blob-store.ts';
import { silentLogger } from '../../../src/kube/logger.ts';
import { Store } from '../../../src/kube/store.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { CI_KEY, OTHER_KEY, trustIn } from '../../support/release.ts';
import { fleet as someFleet, unreachable } from '../webhook/support.ts';

const NOW = '2026-06-01T10:00:00Z' as Timestamp;

let clock: ManualClock;
let fleets: Store<Fleet>;
let configMaps: Store<ConfigMap>;
let documents: SideDocuments;
let version = 10;

beforeEach(() => {
  clock = new ManualClock(NOW);
  fleets = new Store<Fleet>();
  configMaps = new Store<ConfigMap>();
  put('trust', { 'trust.json': JSON.stringify(trustIn()) });
  documents = new SideDocuments({
    client: unreachable,
    clock,
    stores: { fleets, configMaps },
    fleetKey: 'default/lab',
    log: silentLogger,
  });
});

afterEach(() => documents.stop());

function put(name: string, data: Readonly<Record<string, string>>): void {
  version += 1;
  const metadata = { name, namespace: 'default', uid: `uid-${name}`, resourceVersion: String(version) };
  configMaps.upsertFromWrite({ apiVersion: 'v1', kind: 'ConfigMap', metadata, data });
}

function setFleet(agents: Partial<FleetSpec['agents']>): void {
  version += 1;
  const base = someFleet();
  const metadata = { ...base.metadata, resourceVersion: String(version), generation: version };
  fleets.upsertFromWrite({
    ...base,
    metadata,
    spec: { ...base.spec, agents: { ...base.spec.agents, ...agents } },
  });
}

const inConfigMap = {
  bootstrapNonces: { configMapRef: { name: 'nonces', key: 'n.json' } },
  revocations: { configMapRef: { name: 'revoked', key: 'r.json' } },
};

function nonces(names: readonly string[], signedAt: Timestamp = NOW): string {
  const bootstrapNonces = names.map((nonce) => ({
    nonce,
    hostname: 'web-01',
    expiresAt: addMillis(NOW, 3_600_000),
  }));
  return JSON.stringify({
    schemaVersion: 1,
    bootstrapNonces,
    meta: { schemaVersion: 1, signedAt, ciCommit: null },
  });
}

function publishNonces(text: string, key: SigningKey = CI_KEY): void {
  put('nonces', {
    'n.json': text,
    'n.json.sig': Buffer.from(signDocument(text, key).signature).toString('base64'),
  });
}

function publishRevocations(hosts: Readonly<Record<string, string>>): void {
  const revocations = Object.entries(hosts).map(([hostname, notBefore]) => ({ hostname, notBefore }));
  const text = JSON.stringify({
    schemaVersion: 1,
    revocations,
    meta: { schemaVersion: 1, signedAt: clock.now(), ciCommit: null },
  });
  put('revoked', {
    'r.json': text,
    'r.json.sig': Buffer.from(signDocument(text, CI_KEY).signature).toString('base64'),
  });
}

describe('what the Fleet names', () => {
  test('nothing is waited for where it names nothing; without a Fleet everything is', async () => {
    expect(documents.settled).toBe(false);
    setFleet({});
    await documents.start();
    expect(documents.settled).toBe(true);
    expect(documents.listed('a')).toEqual([]);
  });

  test('each list it names is waited for, also one that it names later', async () => {
    setFleet(inConfigMap);
    await documents.start();
    expect(documents.settled).toBe(false);
    publishNonces(nonces(['a']));
    await documents.refresh();
    expect(documents.settled).toBe(false);
    publishRevocations({});
    await documents.refresh();
    expect(documents.settled).toBe(true);
    expect(documents.listed('a')).toMatchObject([{ hostname: 'web-01' }]);
  });

  test('of several revocations of a host the latest counts', async () => {
    setFleet(inConfigMap);
    const text = JSON.stringify({
      schemaVersion: 1,
      revocations: [
        { hostname: 'web-01', notBefore: '2026-05-02T00:00:00Z' },
        { hostname: 'web-01', notBefore: '2026-05-01T00:00:00Z' },
      ],
      meta: { schemaVersion: 1, signedAt: NOW, ciCommit: null },
    });
    const signature = Buffer.from(signDocument(text, CI_KEY).signature).toString('base64');
    put('revoked', { 'r.json': text, 'r.json.sig': signature });
    await documents.start();
    expect(Object.fromEntries(documents.revokedBefore)).toEqual({ 'web-01': '2026-05-02T00:00:00Z' });
  });
});

describe('what is in use', () => {
  beforeEach(async () => {
    setFleet({ bootstrapNonces: inConfigMap.bootstrapNonces });
    publishNonces(nonces(['good']));
    await documents.start();
  });

  test.each<[string, () => void, string]>([
    [
      'is not signed by CI',
      () => publishNonces(nonces(['evil'], addMillis(NOW, 1)), OTHER_KEY),
      'BadSignature',
    ],
    ['has no signature', () => put('nonces', { 'n.json': nonces(['evil']) }), 'MissingKey'],
    ['is gone', () => configMaps.removeFromWrite('default/nonces', 'uid-nonces'), 'SourceNotFound'],
    ['is no list', () => publishNonces('{"schemaVersion":1}'), 'Parse'],
    ['is of the future', () => publishNonces(nonces(['evil'], addMillis(NOW, 120_000))), 'FutureDated'],
  ])('stays while the newest list %s', async (_, spoil, reason) => {
    spoil();
    await documents.refresh();
    expect(documents.listed('evil')).toEqual([]);
    expect(documents.listed('good')).toHaveLength(1);
    expect(documents.nonces.problem?.reason).toBe(reason);
    expect(documents.nonces.problem?.message).toContain('spec.agents.bootstrapNonces');
  });

  test('an older document than the one in use is refused, and the newer one stays', async () => {
    publishNonces(nonces(['older'], addMillis(NOW, -60_000)));
    await documents.refresh();
    expect(documents.listed('older')).toEqual([]);
    expect(documents.nonces.problem?.reason).toBe('OlderThanHeld');
  });

  test('is replaced whole by a newer list, without a poll', async () => {
    await clock.advance(1_000);
    publishNonces(nonces(['newer'], clock.now()));
    await documents.refresh();
    expect([documents.listed('good').length, documents.listed('newer').length]).toEqual([0, 1]);
  });

  test('is dropped once only a withdrawn key has signed it', async () => {
    put('trust', { 'trust.json': JSON.stringify(trustIn(OTHER_KEY.trusted)) });
    await documents.refresh();
    expect(documents.listed('good')).toEqual([]);
  });

  test('is dropped once the Fleet no longer names a list', async () => {
    setFleet({});
    await documents.refresh();
    expect(documents.listed('good')).toEqual([]);
  });
});

describe('over HTTP', () => {
  let server: Server;
  let answer: { status: number; text: string };
  let asked = 0;

  beforeEach(async () => {
    asked = 0;
    answer = { status: 200, text: nonces(['first']) };
    server = createServer((request, response) => {
      asked += 1;
      const { signature } = signDocument(answer.text, CI_KEY);
      response.writeHead(answer.status).end(request.url === '/n.sig' ? signature : answer.text);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    const base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    setFleet({
      bootstrapNonces: { http: { url: `${base}/n`, signatureURL: `${base}/n.sig`, interval: '10m' } },
    });
    await documents.start();
  });

  afterEach(() => void server.close());

  test('it is polled once a minute, whatever longer interval is asked for', async () => {
    expect(documents.listed('first')).toHaveLength(1);
    await documents.refresh();
    expect(asked).toBe(2);
    answer.text = nonces(['second'], addMillis(NOW, 1_000));
    await clock.advance(60_000);
    await documents.refresh();
    expect(documents.listed('second')).toHaveLength(1);
  });

  test('a source that fails leaves the last good document in use', async () => {
    answer.status = 500;
    await clock.advance(60_000);
    await documents.refresh();
    expect(documents.listed('first')).toHaveLength(1);
    expect(documents.nonces.problem).toMatchObject({ reason: 'SourceUnreadable' });
    expect(documents.settled).toBe(true);
  });
});
