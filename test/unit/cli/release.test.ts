import { existsSync, readdirSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { renderConfigMaps } from '../../../src/cli/config-map.ts';
import { releaseOfConfigMaps } from '../../../src/controllers/fleet/release-files.ts';
import { readTrust } from '../../../src/core/artifacts/key-slots.ts';
import { verifyRelease } from '../../../src/core/artifacts/release.ts';
import { fleetDocument, host, NOW, run, Workplace } from './harness.ts';

const FILES = [
  'edge-lab.manifest.json',
  'edge-lab.manifest.json.sig',
  'fleet.resolved.json',
  'fleet.resolved.json.sig',
  'stable.manifest.json',
  'stable.manifest.json.sig',
];

test('a release holds the dated fleet and a manifest for every channel with hosts, all signed', async () => {
  const place = new Workplace();
  const { key, trust } = await place.ci();
  const fleet = place.write('fleet.json', fleetDocument());
  const before = place.read('fleet.json');
  const { code, out } = await run(['release', '--fleet', fleet, '--key', key, '--out', place.path('rel')]);
  expect(code).toBe(0);
  expect(out.trim().split('\n').toSorted()).toEqual(FILES.map((name) => place.path(`rel/${name}`)));
  expect(readdirSync(place.path('rel')).toSorted()).toEqual(FILES);
  expect(place.read('fleet.json')).toEqual(before);
  expect(place.json('rel/fleet.resolved.json')).toEqual(
    fleetDocument({ signedAt: NOW, signatureAlgorithm: 'ed25519' }),
  );
  expect(place.json('rel/stable.manifest.json')).toMatchObject({
    channel: 'stable',
    channelRef: 'a1b2c3d4e5f6',
    hostSet: [{ hostname: 'web-01' }, { hostname: 'web-02' }],
    meta: { signedAt: NOW },
  });
  const verdict = await run(['verify', '--trust', trust, '--freshness', '0s', place.path('rel')]);
  expect(verdict.code).toBe(0);
  expect(JSON.parse(verdict.out)).toMatchObject({
    kind: 'release',
    rollouts: ['edge-lab@a1b2c3d4e5f6', 'stable@a1b2c3d4e5f6'],
  });
});

test('a folder whose manifest is of another fleet does not verify', async () => {
  const place = new Workplace();
  const { key, trust } = await place.ci();
  const args = ['--fleet', place.write('fleet.json', fleetDocument()), '--key', key, '--out'];
  await run(['release', ...args, place.path('rel')]);
  await run(['release', ...args, place.path('later')], { now: '2026-06-01T10:00:01Z' });
  place.write('rel/stable.manifest.json', place.read('later/stable.manifest.json'));
  place.write('rel/stable.manifest.json.sig', place.read('later/stable.manifest.json.sig'));
  expect(await run(['verify', '--trust', trust, place.path('rel')])).toMatchObject({
    code: 1,
    err: expect.stringContaining('ManifestHashMismatch'),
  });
});

test('manifests of channels that are gone go, and what is not of a release stays', async () => {
  const place = new Workplace();
  const { key } = await place.ci();
  const out = place.path('rel');
  const fleet = fleetDocument();
  await run(['release', '--fleet', place.write('fleet.json', fleet), '--key', key, '--out', out]);
  place.write('rel/README', 'mine');
  const smaller = { ...fleet, hosts: { 'web-01': host('stable') } };
  const { err } = await run([
    'release',
    '--fleet',
    place.write('fleet.json', smaller),
    '--key',
    key,
    '--out',
    out,
  ]);
  expect(err).toContain('edge-lab.manifest.json: removed');
  expect(readdirSync(out).toSorted()).toEqual([
    'README',
    ...FILES.filter((name) => !name.startsWith('edge')),
  ]);
});

test('project makes of a signed fleet the same manifests that release makes', async () => {
  const place = new Workplace();
  const { key } = await place.ci();
  const fleet = place.write('fleet.json', fleetDocument());
  await run(['release', '--fleet', fleet, '--key', key, '--out', place.path('rel')]);
  const released = place.path('rel/fleet.resolved.json');
  await run(['project', '--fleet', released, '--key', key, '--out', place.path('projected')]);
  expect(readdirSync(place.path('projected')).toSorted()).toEqual(
    FILES.filter((name) => !name.startsWith('fleet')),
  );
  for (const name of readdirSync(place.path('projected')))
    expect(place.read(`projected/${name}`)).toEqual(place.read(`rel/${name}`));
});

test('without a key project signs nothing and says so', async () => {
  const place = new Workplace();
  const fleet = place.write('fleet.json', fleetDocument({ signedAt: NOW }));
  const { code, err } = await run(['project', '--fleet', fleet, '--out', place.path('out')]);
  expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('not signed') });
  expect(readdirSync(place.path('out')).toSorted()).toEqual([
    'edge-lab.manifest.json',
    'stable.manifest.json',
  ]);
});

describe('the ConfigMaps', () => {
  test('are read by the operator as the very release, texts with all their characters', async () => {
    const place = new Workplace();
    const { key } = await place.ci();
    const fleet = place.write('fleet.json', fleetDocument());
    const target = ['--config-map', 'lab-release', '--namespace', 'nixfleet'];
    const { out, err } = await run(['release', '--fleet', fleet, '--key', key, ...target]);
    expect(err).toBe('spec.source.configMapRefs of the Fleet: [lab-release]\n');
    const configMaps = parseAllDocuments(out).map((document) => document.toJS());
    expect(configMaps).toMatchObject([
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'lab-release', namespace: 'nixfleet' } },
    ]);
    expect(Object.keys(configMaps[0].data)).toEqual(
      FILES.filter((name) => !name.endsWith('.sig')).toSorted(byFleet),
    );
    const trust = readTrust(place.read('trust.json').toString());
    const keys = trust.ok && trust.value.ciReleaseKey.current ? [trust.value.ciReleaseKey.current] : [];
    const published = await releaseOfConfigMaps(configMaps);
    const verdict = verifyRelease(published, { keys, now: NOW, freshnessWindowSeconds: 0 });
    expect(verdict).toMatchObject({ ok: true, release: { ciCommit: 'a1b2c3d4e5f6' } });
  });

  test('above 700 KiB are packed, cut and spread, and still read as the same files', async () => {
    const texts = {
      'fleet.resolved.json': 1_400_000,
      'stable.manifest.json': 300_000,
      'edge.manifest.json': 90,
    };
    const documents = Object.entries(texts).map(([key, size]) => ({
      key,
      text: randomBytes(size).toString('base64').slice(0, size),
      signature: randomBytes(64),
    }));
    const { names, yaml } = renderConfigMaps({ name: 'big', namespace: undefined }, documents);
    expect(names).toEqual(['big', 'big-2']);
    expect(yaml).toMatch(/"fleet\.resolved\.json\.gz\.1":/);
    const configMaps = parseAllDocuments(yaml).map((document) => document.toJS());
    expect(configMaps.map(({ metadata }) => metadata)).toEqual(names.map((name) => ({ name })));
    for (const { data = {}, binaryData = {} } of configMaps) {
      const sizes = [
        ...Object.values<string>(data).map((text) => text.length),
        ...Object.values<string>(binaryData).map((text) => Buffer.from(text, 'base64').length),
      ];
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(700 * 1024);
    }
    const published = await releaseOfConfigMaps(configMaps);
    const found = [published.fleet, ...published.manifests.map(({ document }) => document)];
    expect(found.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual(
      [documents[0], documents[2], documents[1]].map((document) => document?.text),
    );
    expect(found.map(({ signature }) => Buffer.from(signature))).toEqual(
      [documents[0], documents[2], documents[1]].map((document) => document?.signature),
    );
  });

  test('are refused where a Fleet could not list them all', () => {
    const documents = Array.from({ length: 17 }, (_, index) => ({
      key: `c${index}.manifest.json`,
      text: randomBytes(512 * 1024).toString('base64'),
    }));
    expect(() => renderConfigMaps({ name: 'big', namespace: undefined }, documents)).toThrow(/may list 16/);
  });
});

describe('release refuses, naming the field,', () => {
  const fleet = fleetDocument();
  test.each([
    [
      'a fleet without a commit',
      fleetDocument({ ciCommit: null }),
      [],
      /meta\.ciCommit is missing.*--commit/,
    ],
    ['a commit that agents cannot fetch', fleet, ['--commit', 'HEAD'], /meta\.ciCommit is "HEAD"/],
    [
      'a channel whose name would leave the folder',
      { ...fleet, hosts: { h: host('../up') }, channels: { '../up': fleet.channels.stable } },
      [],
      /channels\["\.\.\/up"\].*a-z, 0-9/,
    ],
    [
      'a channel without its policy',
      { ...fleet, rolloutPolicies: {} },
      [],
      /channels\["edge-lab"\]\.rolloutPolicy is "canary"/,
    ],
    ['no place to go', fleet, undefined, /--out DIR, --config-map NAME or both/],
    ['a ConfigMap of no proper name', fleet, ['--config-map', 'Lab_1'], /--config-map Lab_1/],
    ['a namespace of no proper name', fleet, ['--config-map', 'lab', '--namespace', 'N!'], /--namespace N!/],
    ['a namespace of nothing', fleet, ['--namespace', 'n'], /of use with --config-map only/],
  ])('%s', async (_, document, options, message) => {
    const place = new Workplace();
    const { key } = await place.ci();
    const path = place.write('fleet.json', document);
    const out = options === undefined ? [] : ['--out', place.path('rel')];
    const outcome = await run(['release', '--fleet', path, '--key', key, ...out, ...(options ?? [])]);
    expect(outcome).toMatchObject({ code: 2, out: '', err: expect.stringMatching(message) });
    expect(existsSync(place.path('rel'))).toBe(false);
  });

  test('project, a fleet that is not dated', async () => {
    const place = new Workplace();
    const path = place.write('fleet.json', fleet);
    expect(await run(['project', '--fleet', path, '--out', place.path('o')])).toMatchObject({
      code: 2,
      err: expect.stringMatching(/meta\.signedAt is missing/),
    });
  });
});

test('--commit names the rollouts of a fleet that has none', async () => {
  const place = new Workplace();
  const { key } = await place.ci();
  const fleet = place.write('fleet.json', fleetDocument({ ciCommit: null }));
  await run(['release', '--fleet', fleet, '--key', key, '--commit', 'beef', '--out', place.path('rel')]);
  expect(place.json('rel/fleet.resolved.json').meta.ciCommit).toBe('beef');
  expect(place.json('rel/stable.manifest.json').channelRef).toBe('beef');
});

test('the same release twice is the same ConfigMap', () => {
  const documents = [{ key: 'fleet.resolved.json', text: 'x'.repeat(800_000) }];
  const target = { name: 'lab', namespace: undefined };
  expect(renderConfigMaps(target, documents)).toEqual(renderConfigMaps(target, documents));
});

function byFleet(a: string, b: string): number {
  return Number(b.startsWith('fleet')) - Number(a.startsWith('fleet')) || (a < b ? -1 : 1);
}
