import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { FleetSpec } from '../../src/api/kinds/fleet.ts';
import { hostResource } from '../../src/api/kinds/resources.ts';
import type { OperatorProcess } from '../../src/dev/local/operator-process.ts';
import { sha256Hex } from '../../src/core/artifacts/hash.ts';
import { getBlob } from '../../src/kube/blob-store.ts';
import {
  asBinary,
  asInline,
  asText,
  commitOf,
  cut,
  packed,
  releaseFiles,
  type ConfigMapContent,
  type ReleaseFiles,
} from '../support/release.ts';
import { auditLinesOf, FLEET, metricOf, QUICK_FLAGS, Site } from './support/site.ts';

const LIMIT = { timeout: 15_000 };
const JUDGED = 'nixfleet_releases_judged_total{reason="Verified"}';

let site: Site;
let operator: OperatorProcess;

beforeAll(async () => {
  site = await Site.shared('release');
  operator = await site.startOperator();
});

afterAll(() => site?.close());

/** The files under keys of several ConfigMaps, as somebody with a size limit deals them out. */
function dealt(files: ReleaseFiles, hands: number): Map<string, Buffer>[] {
  const entries = [...files];
  return Array.from(
    { length: hands },
    (_, hand) => new Map(entries.filter((_entry, index) => index % hands === hand)),
  );
}

describe('a good release goes into force', () => {
  type Publish = (files: ReleaseFiles) => readonly ConfigMapContent[];
  const packedText = (files: ReleaseFiles): ConfigMapContent => ({
    data: Object.fromEntries([...packed(files)].map(([key, bytes]) => [key, bytes.toString('base64')])),
  });
  const forms: readonly [string, string, Publish][] = [
    ['as text in data', '1', (files) => [asText(files)]],
    ['as raw bytes in binaryData', '2', (files) => [asBinary(files)]],
    ['packed as .gz in binaryData', '3', (files) => [asBinary(packed(files))]],
    ['packed as .gz in data', '4', (files) => [packedText(files)]],
    ['cut into .gz.0 … .gz.n over three ConfigMaps', '5', (files) => dealt(cut(files, 200), 3).map(asBinary)],
    ['as documents in one ConfigMap and signatures in another', '6', (files) => apart(files)],
  ];

  const apart: Publish = (files) => {
    const isSignature = ([name]: readonly [string, Buffer]): boolean => name.endsWith('.sig');
    const entries = [...files];
    return [
      asText(new Map(entries.filter((file) => !isSignature(file)))),
      asBinary(new Map(entries.filter(isSignature))),
    ];
  };

  test.each(forms)('given %s', async (_, digit, publish) => {
    const files = releaseFiles({ digit });
    const names: string[] = [];
    for (const [index, content] of publish(files).entries()) {
      names.push(`release-${digit}-${index}`);
      await site.putConfigMap(`release-${digit}-${index}`, content);
    }
    await goesIntoForce(files, digit, { configMapRefs: names });
  });

  test('given inline', async () => {
    const files = releaseFiles({ digit: '7' });
    await goesIntoForce(files, '7', { inline: asInline(files) });
  });

  async function goesIntoForce(
    files: ReleaseFiles,
    digit: string,
    source: FleetSpec['source'],
  ): Promise<void> {
    const judgedBefore = await metricOf(operator, JUDGED);
    await site.applyFleet(source);
    await expect
      .poll(async () => (await site.fleet()).status?.artifact?.ciCommit, { timeout: 10_000 })
      .toBe(commitOf(digit));
    await expect.poll(() => site.condition('Ready'), { timeout: 10_000 }).toBe('True InForce');
    expect(await site.condition('Verified')).toBe('True Verified');
    expect(await site.condition('Fresh')).toBe('True Fresh');
    expect(await site.condition('Stalled')).toBe('False Settled');
    await contentIsStored();
    await peopleAreTold(digit);
    await agentsAreServed(files, digit);
    expect(await metricOf(operator, JUDGED)).toBe(judgedBefore + 1);
  }

  async function contentIsStored(): Promise<void> {
    const { contentRefs = [], sha256 } = (await site.fleet()).status?.artifact ?? {};
    const bytes = await getBlob(site.client, site.namespace, contentRefs);
    expect(contentRefs).toEqual([`${FLEET}-${sha256Hex(bytes).slice(0, 12)}-0`]);
    const stored = (await site.contentConfigMaps()).find(({ metadata }) => metadata.name === contentRefs[0]);
    expect(stored?.immutable).toBe(true);
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
  }

  async function peopleAreTold(digit: string): Promise<void> {
    const told = { type: 'Normal', reason: 'ReleaseInForce', about: `Fleet/${FLEET}` };
    await expect
      .poll(async () => (await site.events()).filter(({ note }) => note.includes(commitOf(digit))), {
        timeout: 10_000,
      })
      .toEqual(expect.arrayContaining([expect.objectContaining(told)]));
    expect(await auditLinesOf(operator)).toContainEqual(
      expect.objectContaining({ msg: 'a release went into force', ciCommit: commitOf(digit) }),
    );
  }

  async function agentsAreServed(files: ReleaseFiles, digit: string): Promise<void> {
    const host = await site.host(operator, 'web-01');
    const bodyOf = async (path: string): Promise<string> => (await host.get(path)).body;
    const text = (name: string): string => files.get(name)?.toString('latin1') ?? '';
    await expect
      .poll(() => bodyOf('/v1/fleet.resolved'), { timeout: 10_000 })
      .toBe(text('fleet.resolved.json'));
    expect(await bodyOf('/v1/fleet.resolved/sig')).toBe(text('fleet.resolved.json.sig'));
    const id = encodeURIComponent(`stable@${commitOf(digit)}`);
    expect(await bodyOf(`/v1/rollouts/${id}`)).toBe(text('stable.manifest.json'));
    expect(await bodyOf(`/v1/rollouts/${id}/sig`)).toBe(text('stable.manifest.json.sig'));
    host.close();
  }
});

describe('a Fleet on hold', () => {
  test('is verified and shown, but neither opened nor superseded before the hold is lifted', async () => {
    const held = await Site.shared('hold');
    try {
      await held.startOperator();
      const publish = async (digit: string, hold: 'None' | 'Hold'): Promise<void> => {
        await held.putConfigMap(`release-${digit}`, asText(releaseFiles({ digit })));
        await held.applyFleet({ configMapRefs: [`release-${digit}`] }, { intent: { hold } });
      };
      const states = async (): Promise<string[]> =>
        (await held.rollouts())
          .map(({ spec, status }) => `${spec.channel} ${spec.channelRef.slice(0, 1)} ${status?.state ?? ''}`)
          .toSorted();

      await publish('1', 'Hold');
      await expect.poll(() => held.condition('Ready'), { timeout: 10_000 }).toBe('False OnHold');
      await expect.poll(() => held.isCarriedOut(), { timeout: 10_000 }).toBe(true);
      expect(await held.condition('Verified')).toBe('True Verified');
      expect((await held.conditionOf('Ready'))?.message).toContain('spec.intent.hold is Hold');
      expect((await held.fleet()).status?.hosts).toMatchObject({ total: 3 });
      expect(await held.rollouts()).toEqual([]);

      await publish('1', 'None');
      const opened = ['edge 1 Active', 'stable 1 Active'];
      await expect.poll(states, { timeout: 10_000 }).toEqual(opened);

      await publish('2', 'Hold');
      await expect.poll(() => held.condition('Ready'), { timeout: 10_000 }).toBe('False OnHold');
      await expect.poll(() => held.isCarriedOut(), { timeout: 10_000 }).toBe(true);
      expect((await held.fleet()).status?.artifact?.ciCommit).toBe(commitOf('2'));
      expect(await states()).toEqual(opened);

      await publish('2', 'None');
      await expect
        .poll(states, { timeout: 10_000 })
        .toEqual(['edge 1 Superseded', 'edge 2 Active', 'stable 1 Superseded', 'stable 2 Active']);
    } finally {
      await held.close();
    }
  });
});

test('another Fleet of the namespace is told that it is not served, and stays without effect', async () => {
  const before = (await site.rollouts()).map(({ metadata }) => metadata.name);
  await site.putConfigMap('another', asText(releaseFiles({ digit: '9' })));
  await site.applyFleet({ configMapRefs: ['another'] }, {}, 'another');
  await expect.poll(() => site.condition('Ready', 'another')).toBe('False NotServed');
  expect((await site.conditionOf('Ready', 'another'))?.message).toContain('flag --fleet');
  const types = (await site.fleet('another')).status?.conditions?.map(({ type }) => type);
  expect(types?.toSorted()).toEqual([
    'Converged',
    'Deadlocked',
    'Fresh',
    'Ready',
    'Reconciling',
    'Stalled',
    'Verified',
  ]);
  expect((await site.rollouts()).map(({ metadata }) => metadata.name)).toEqual(before);
  expect(await site.condition('Ready')).toBe('True InForce');
});

test('a Fleet that is served in the place of another changes nothing before somebody gives that one up', async () => {
  const taken = await Site.shared('taken');
  try {
    const first = await taken.startOperator();
    await taken.putConfigMap('release', asText(releaseFiles({ digit: '1' })));
    await taken.applyFleet({ configMapRefs: ['release'] });
    await expect.poll(() => taken.condition('Ready'), LIMIT).toBe('True InForce');
    await first.kill();
    const fleetRefs = async (): Promise<string[]> => {
      const hosts = (await taken.client.list(hostResource, { namespace: taken.namespace })).items;
      return [...hosts, ...(await taken.rollouts())].map(({ spec }) => spec.fleetRef);
    };
    const before = await fleetRefs();
    expect(new Set(before)).toEqual(new Set([FLEET]));

    await taken.applyFleet({ configMapRefs: ['release'] }, {}, 'another');
    await taken.startOperator('another', [...QUICK_FLAGS, '--fleet=another']);
    await expect.poll(() => taken.condition('Ready', 'another'), LIMIT).toBe('False NamespaceTaken');
    await expect.poll(() => taken.condition('Ready'), LIMIT).toBe('False NotServed');
    expect(await taken.condition('Stalled', 'another')).toBe('True NamespaceTaken');
    const message = (await taken.conditionOf('Ready', 'another'))?.message ?? '';
    expect(message).toContain(`--fleet=${FLEET}`);
    await expect
      .poll(async () => (await taken.events()).map(({ reason, note }) => [reason, note]), LIMIT)
      .toContainEqual(['NamespaceTaken', message]);
    expect(await fleetRefs()).toEqual(before);
    expect((await taken.fleet('another')).status?.artifact).toBeUndefined();

    const remedy = /kubectl (delete .*)$/.exec(message)?.[1] ?? '';
    await taken.kubectl(remedy.split(' '));
    await expect.poll(() => taken.condition('Ready', 'another'), LIMIT).toBe('True InForce');
    await expect.poll(async () => new Set(await fleetRefs()), LIMIT).toEqual(new Set(['another']));
  } finally {
    await taken.close();
  }
});
