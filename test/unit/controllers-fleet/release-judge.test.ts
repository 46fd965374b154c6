import { beforeEach, describe, expect, test } from 'vitest';
import type { Fleet } from '../../../src/api/kinds/fleet.ts';
import { REJUDGE_MS, ReleaseJudge, type Judgement } from '../../../src/controllers/fleet/release-judge.ts';
import type { ConfigMap } from '../../../src/kube/blob-store.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { Store } from '../../../src/kube/store.ts';
import { sampleFleet } from '../../support/kind-samples.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { rememberSpans, type SpanMemory } from '../../support/span-memory.ts';
import {
  asText,
  OTHER_KEY,
  documentsOf,
  releaseFiles,
  signed,
  trustIn,
  type ConfigMapContent,
} from '../../support/release.ts';

const NAMESPACE = 'nixfleet';
const MINUTE = 60_000;

let clock: ManualClock;
let configMaps: Store<ConfigMap>;
let judge: ReleaseJudge;
let memory: SpanMemory;
let version = 0;

beforeEach(() => {
  clock = new ManualClock(new Date().toISOString());
  configMaps = new Store<ConfigMap>();
  // Only sources that are polled ask the API server.
  memory = rememberSpans();
  judge = new ReleaseJudge(configMaps, {} as KubeClient, clock, memory.tracing);
  put('trust', { data: { 'trust.json': JSON.stringify(trustIn()) } });
});

function put(name: string, content: ConfigMapContent): void {
  version += 1;
  const metadata = { name, namespace: NAMESPACE, uid: name, resourceVersion: String(version) };
  configMaps.upsertFromWrite({ metadata, ...content });
}

function fleetWith(window = '720h'): Fleet {
  const fleet = sampleFleet(NAMESPACE);
  return { ...fleet, spec: { ...fleet.spec, freshness: { window } } };
}

function judged(fleet: Fleet = fleetWith()): Promise<Judgement> {
  return judge.judge(fleet, new AbortController().signal);
}

async function verdict(fleet?: Fleet): Promise<string> {
  const judgement = await judged(fleet);
  return judgement.ok ? 'accepted' : judgement.reason;
}

describe('a release in a source that is watched', () => {
  test('is judged once while nothing changes', async () => {
    put('release', asText(releaseFiles()));
    const first = await judged();
    expect(first.ok).toBe(true);
    expect(await judged()).toBe(first);
    expect(memory.span('verify release').attributes).toEqual({
      'release.from': 'source',
      'release.outcome': 'Verified',
    });
    put('release', asText(releaseFiles()));
    expect(await judged()).not.toBe(first);
  });

  test('once accepted stays so when it outgrows the window, but not under another trust config', async () => {
    put('release', asText(releaseFiles()));
    expect(await verdict()).toBe('accepted');
    await clock.advance(31 * 24 * 60 * MINUTE);
    expect(await verdict()).toBe('accepted');
    put('trust', { data: { 'trust.json': JSON.stringify(trustIn()) } });
    expect(await verdict()).toBe('Stale');
  });

  test('from the future is refused until its time has come', async () => {
    put('release', asText(releaseFiles({ ageSeconds: -110 })));
    const first = await judged();
    expect(first).toMatchObject({ ok: false, reason: 'FutureDated' });
    await clock.advance(REJUDGE_MS - 1);
    expect(await judged()).toBe(first);
    await clock.advance(1);
    expect(await verdict()).toBe('accepted');
  });

  test('too old for one window is judged anew when the window changes', async () => {
    put('release', asText(releaseFiles({ ageSeconds: 7_200 })));
    expect(await verdict(fleetWith('1h'))).toBe('Stale');
    expect(await verdict(fleetWith('3h'))).toBe('accepted');
  });

  test('that was bad is judged at once when it is mended', async () => {
    expect(await verdict()).toBe('SourceNotFound');
    put('release', asText(signed(documentsOf(), OTHER_KEY)));
    expect(await verdict()).toBe('BadSignature');
    put('release', asText(releaseFiles()));
    expect(await verdict()).toBe('accepted');
  });
});
