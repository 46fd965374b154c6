import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Rollout } from '../../src/api/kinds/rollout.ts';
import type { OperatorProcess } from '../../src/dev/local/operator-process.ts';
import {
  asText,
  commitOf,
  documentsOf,
  edited,
  OTHER_KEY,
  releaseFiles,
  signed,
  trustIn,
  type ReleaseFiles,
} from '../support/release.ts';
import { auditLinesOf, FLEET, metricOf, Site } from './support/site.ts';

const FLEET_FILE = 'fleet.resolved.json';
const DAY = 86_400;

let site: Site;
let operator: OperatorProcess;
/** What was in force before anything bad came. */
const good = releaseFiles({ digit: '1' });
let inForce: object | undefined;
let rollouts: readonly Rollout[];

beforeAll(async () => {
  site = await Site.shared('refusals');
  operator = await site.startOperator();
  await site.putConfigMap('good', asText(good));
});

beforeEach(async () => {
  await site.putTrust();
  await site.applyFleet({ configMapRefs: ['good'] });
  await expect.poll(() => site.condition('Verified'), { timeout: 10_000 }).toBe('True Verified');
  await expect.poll(() => site.condition('Ready'), { timeout: 10_000 }).toBe('True InForce');
  inForce = (await site.fleet()).status?.artifact;
  rollouts = await site.rollouts();
});

afterAll(() => site?.close());

/** A release with another text of one document, signed by CI as it is. */
function withEdit(name: string, edit: (text: string) => string): ReleaseFiles {
  return signed(edited(documentsOf({ digit: '2' }), name, edit));
}

function without(files: ReleaseFiles, name: string): ReleaseFiles {
  return new Map([...files].filter(([key]) => key !== name));
}

/** A member of a JSON text with another value. */
function withMember(name: string, value: unknown): (text: string) => string {
  return (text) => JSON.stringify({ ...(JSON.parse(text) as object), [name]: value });
}

/** What was put in force stays there, is served, and runs on. */
async function nothingElseChanged(): Promise<void> {
  expect((await site.fleet()).status?.artifact).toEqual(inForce);
  expect(await site.condition('Ready')).toBe('True InForce');
  const names = (list: readonly Rollout[]): string[] =>
    list.map(({ metadata, status }) => `${metadata.uid ?? ''} ${status?.state ?? ''}`).toSorted();
  expect(names(await site.rollouts())).toEqual(names(rollouts));
  const host = await site.host(operator, 'web-01');
  const answer = await host.get('/v1/fleet.resolved');
  host.close();
  expect(answer).toMatchObject({ status: 200, body: good.get(FLEET_FILE)?.toString('latin1') });
}

/** People learn of the refusal in every place they may look at. */
async function isRefused(reason: string, remedy: string, countedBefore: number): Promise<void> {
  await expect.poll(() => site.condition('Verified'), { timeout: 10_000 }).toBe(`False ${reason}`);
  await expect.poll(() => site.isCarriedOut(), { timeout: 10_000 }).toBe(true);
  const message = (await site.conditionOf('Verified'))?.message ?? '';
  expect(message).toContain(remedy);
  expect(message).toContain('11111111 stays in force');
  expect(await site.condition('Stalled')).toBe('True SourceRefused');
  expect(await metricOf(operator, `nixfleet_releases_judged_total{reason="${reason}"}`)).toBeGreaterThan(
    countedBefore,
  );
  expect(await auditLinesOf(operator)).toContainEqual(
    expect.objectContaining({ msg: 'a release was refused', fleet: FLEET, reason }),
  );
  const told = { type: 'Warning', reason, about: `Fleet/${FLEET}` };
  await expect
    .poll(async () => (await site.events()).filter(({ note }) => note.includes(remedy)), { timeout: 10_000 })
    .toContainEqual(expect.objectContaining(told));
}

describe('a bad release is refused, and what was in force stays', () => {
  const next = (): ReleaseFiles => releaseFiles({ digit: '2' });
  const truncated = (text: string): string => text.slice(0, -20);
  const nightly = (): ReleaseFiles => {
    const documents = documentsOf({ digit: '2' });
    const manifest = withMember('channel', 'nightly')(documents.get('stable.manifest.json') ?? '');
    return signed(new Map([...documents, ['nightly.manifest.json', manifest]]));
  };
  const foreignManifest = (): ReleaseFiles => {
    const other = releaseFiles({ digit: '2', ageSeconds: 60 });
    const names = ['stable.manifest.json', 'stable.manifest.json.sig'];
    return new Map([...next(), ...names.map((name) => [name, other.get(name) ?? Buffer.of()] as const)]);
  };
  /** A truncated document cannot be signed, so it keeps the signature of the whole. */
  const cutAfterSigning = (name: string): ReleaseFiles =>
    new Map([...next(), [name, Buffer.from(truncated(next().get(name)?.toString() ?? ''))]]);

  const cases: readonly [string, string, string, () => ReleaseFiles][] = [
    [
      'signed by a key that is not trusted',
      'BadSignature',
      'sign this very document anew, or trust its key',
      () => signed(documentsOf({ digit: '2' }), OTHER_KEY),
    ],
    [
      'whose manifest was changed after it was signed',
      'BadSignature',
      'stable.manifest.json: the signature is of none of the keys in force',
      () =>
        new Map([
          ...next(),
          [
            'stable.manifest.json',
            Buffer.from(
              withMember('displayName', 'other')(next().get('stable.manifest.json')?.toString() ?? ''),
            ),
          ],
        ]),
    ],
    [
      'older than freshness.window',
      'Stale',
      'longer ago than the freshness window of 2592000 s: sign anew',
      () => releaseFiles({ digit: '2', ageSeconds: 31 * DAY }),
    ],
    [
      'signed in the future',
      'FutureDated',
      'check the clocks of CI and of this machine',
      () => releaseFiles({ digit: '2', ageSeconds: -600 }),
    ],
    [
      'of a schema version to come',
      'SchemaVersionUnsupported',
      'schemaVersion is 2; only 1 is known: produce the document with a matching release tool',
      () => withEdit(FLEET_FILE, withMember('schemaVersion', 2)),
    ],
    [
      'that is truncated JSON',
      'Parse',
      'publish it as the release tool wrote it',
      () => cutAfterSigning(FLEET_FILE),
    ],
    [
      'with a manifest that is truncated JSON',
      'Parse',
      'stable.manifest.json: the document cannot be read',
      () => cutAfterSigning('stable.manifest.json'),
    ],
    [
      'without a member that it needs',
      'Parse',
      'channels',
      () => withEdit(FLEET_FILE, withMember('channels', undefined)),
    ],
    [
      'without fleet.resolved.json',
      'MissingKey',
      `no ConfigMap of spec.source.configMapRefs has the key ${FLEET_FILE}: publish`,
      () => without(next(), FLEET_FILE),
    ],
    [
      'without its signature',
      'MissingKey',
      `has the key ${FLEET_FILE}.sig: publish the signature, too`,
      () => without(next(), `${FLEET_FILE}.sig`),
    ],
    [
      'without the manifest of a channel',
      'ManifestMissing',
      'channel "stable" has hosts but no signed manifest: sign and publish one',
      () => without(without(next(), 'stable.manifest.json'), 'stable.manifest.json.sig'),
    ],
    [
      'with a manifest made for another fleet',
      'ManifestHashMismatch',
      'publish both from one CI run',
      foreignManifest,
    ],
    [
      'with the manifest of a channel that the fleet does not declare',
      'UndeclaredChannel',
      'the fleet yields no rollout for channel "nightly": remove its manifest',
      nightly,
    ],
  ];

  test.each(cases)('%s: %s', async (_, reason, remedy, files) => {
    const counted = await metricOf(operator, `nixfleet_releases_judged_total{reason="${reason}"}`);
    await site.putConfigMap('release', asText(files()));
    await site.applyFleet({ configMapRefs: ['release'] });
    await isRefused(reason, remedy, counted);
    await nothingElseChanged();
  });

  test('in a ConfigMap that does not exist: SourceNotFound', async () => {
    const counted = await metricOf(operator, 'nixfleet_releases_judged_total{reason="SourceNotFound"}');
    await site.applyFleet({ configMapRefs: ['nowhere'] });
    await isRefused(
      'SourceNotFound',
      'ConfigMap nowhere does not exist: apply it together with the Fleet',
      counted,
    );
    await nothingElseChanged();
  });

  test('and goes into force as soon as it is mended', async () => {
    await site.applyFleet({ configMapRefs: ['late'] });
    await expect.poll(() => site.condition('Verified'), { timeout: 10_000 }).toBe('False SourceNotFound');
    await site.putConfigMap('late', asText(good));
    await expect.poll(() => site.condition('Verified'), { timeout: 10_000 }).toBe('True Verified');
    expect(await site.condition('Stalled')).toBe('False Settled');
    await nothingElseChanged();
  });
});

describe('a trust config out of order refuses everything, and what was in force stays', () => {
  const cases: readonly [string, string, string, string | undefined][] = [
    ['is gone', 'TrustNotFound', 'ConfigMap trust does not exist: create it with the trust.json', undefined],
    ['is not JSON', 'TrustUnreadable', 'ConfigMap trust, key trust.json', '{"schemaVersion": 1,'],
    [
      'has a schema version to come',
      'TrustUnreadable',
      'this operator reads 1',
      JSON.stringify({ ...trustIn(), schemaVersion: 2 }),
    ],
    [
      'has no key',
      'NoTrustRoots',
      'give the CI release key in the trust config',
      JSON.stringify(trustIn(null)),
    ],
    [
      'has only a key of an unknown algorithm',
      'UnsupportedAlgorithm',
      'no key in force has a known algorithm (the first is "dilithium3"): use ed25519 or ecdsa-p256',
      JSON.stringify(trustIn({ algorithm: 'dilithium3', public: 'AAAA' })),
    ],
  ];

  test.each(cases)('because it %s: %s', async (_, reason, remedy, text) => {
    const counted = await metricOf(operator, `nixfleet_releases_judged_total{reason="${reason}"}`);
    if (text === undefined) await site.deleteConfigMap('trust');
    else await site.putTrust(text);
    await isRefused(reason, remedy, counted);
    await nothingElseChanged();
  });
});

describe('an operator that is killed and started again', () => {
  test('on a source that turned bad serves the very same bytes and opens nothing', async () => {
    await site.putConfigMap('release', asText(signed(documentsOf({ digit: '2' }), OTHER_KEY)));
    await site.applyFleet({ configMapRefs: ['release'] });
    await expect.poll(() => site.condition('Verified'), { timeout: 10_000 }).toBe('False BadSignature');
    await operator.kill();
    operator = await site.startOperator('second');
    await expect
      .poll(() => metricOf(operator, 'nixfleet_releases_judged_total{reason="BadSignature"}'), {
        timeout: 15_000,
      })
      .toBe(1);
    expect(await site.condition('Verified')).toBe('False BadSignature');
    await nothingElseChanged();
    const { status, body } = await fetchManifest();
    expect([status, body]).toEqual([200, good.get('stable.manifest.json')?.toString('latin1')]);
  });

  test('without a usable trust config serves nothing, says why, and goes on when it is back', async () => {
    await site.deleteConfigMap('trust');
    await operator.kill();
    operator = await site.startOperator('third');
    await expect.poll(() => site.condition('Ready'), { timeout: 15_000 }).toBe('False ContentUnreadable');
    expect((await site.conditionOf('Ready'))?.message).toContain('create it with the trust.json');
    expect((await fetchManifest()).status).toBe(503);
    expect((await site.fleet()).status).toMatchObject({ artifact: inForce, channels: [{}, {}] });

    await site.putTrust();
    await expect.poll(() => site.condition('Ready'), { timeout: 10_000 }).toBe('True InForce');
    await nothingElseChanged();
  });

  async function fetchManifest(): Promise<{ status: number; body: string }> {
    const host = await site.host(operator, 'web-01');
    const id = encodeURIComponent(`stable@${commitOf('1')}`);
    const answer = await host.get(`/v1/rollouts/${id}`);
    host.close();
    return answer;
  }
});
