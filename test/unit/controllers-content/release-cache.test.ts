import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { Fleet } from '../../../src/api/kinds/fleet.ts';
import type { TrustConfig } from '../../../src/api/artifacts/trust-config.ts';
import { ContentFault, ReleaseCache } from '../../../src/controllers/content/release-cache.ts';
import { releaseOfConfigMaps } from '../../../src/controllers/fleet/release-files.ts';
import { encodeReleaseBundle } from '../../../src/core/artifacts/release-bundle.ts';
import { verifyRelease, type Release } from '../../../src/core/artifacts/release.ts';
import { addMillis } from '../../../src/api/time.ts';
import { configMapResource, putBlob, type ConfigMap } from '../../../src/kube/blob-store.ts';
import { sampleFleet, sampleRollout } from '../../support/kind-samples.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { MemoryApi } from '../../support/memory-api.ts';
import { asText, CI_KEY, commitOf, OTHER_KEY, releaseFiles, trustIn } from '../../support/release.ts';

const RELEASE = await accepted();

async function accepted(): Promise<Release> {
  const published = await releaseOfConfigMaps([{ metadata: { name: 'release' }, ...asText(releaseFiles()) }]);
  const trust = { keys: [CI_KEY.trusted], now: new ManualClock().now(), freshnessWindowSeconds: undefined };
  const verdict = verifyRelease(published, trust);
  if (!verdict.ok) throw new Error(verdict.message);
  return verdict.release;
}

/** A cache over a cluster that holds the release, and a trust config that tests replace. */
async function world() {
  const api = new MemoryApi();
  const clock = new ManualClock();
  const client = api.client(clock);
  const location = { namespace: 'ns', prefix: 'lab', labels: {} };
  const { names: refs } = await putBlob(client, location, encodeReleaseBundle(RELEASE));
  const trust = { current: trustIn() as TrustConfig | undefined, version: 1 };
  const configMaps = {
    get: (key: string): ConfigMap | undefined =>
      key !== 'ns/trust' || trust.current === undefined
        ? undefined
        : {
            metadata: { name: 'trust', resourceVersion: String(trust.version) },
            data: { 'trust.json': JSON.stringify(trust.current) },
          },
  };
  const cache = new ReleaseCache({ client, namespace: 'ns', configMaps, clock });
  const fleet = (contentRefs: readonly string[] = refs): Fleet => {
    const { ciCommit, signedAt, sha256 } = RELEASE;
    const artifact = { ciCommit, signedAt, sha256, verifiedAt: signedAt, contentRefs: [...contentRefs] };
    return { ...sampleFleet('ns'), status: { artifact } };
  };
  const believe = (next: TrustConfig | undefined): void => {
    trust.current = next;
    trust.version += 1;
  };
  /** Puts another content under the name of the first ConfigMap, as only somebody with rights on them can. */
  const replace = async (content: object): Promise<void> => {
    const name = refs[0] ?? '';
    api.drop({ namespace: 'ns', name });
    await client.create(configMapResource, { metadata: { name, namespace: 'ns' }, ...content });
  };
  const faultOf = async (): Promise<string> => {
    try {
      await cache.inForce(fleet());
    } catch (error) {
      if (error instanceof ContentFault) return error.message;
      throw error;
    }
    return 'none';
  };
  return { api, client, clock, cache, refs, fleet, believe, replace, faultOf };
}

describe('the content in force', () => {
  it('is what the status points at, verified again, and nothing where it points at nothing', async () => {
    const { cache, fleet } = await world();
    expect(await cache.inForce(sampleFleet('ns'))).toBeUndefined();
    const release = await cache.inForce(fleet());
    expect(release).toMatchObject({ sha256: RELEASE.sha256, ciCommit: commitOf() });
    expect([...(release?.manifests.keys() ?? [])]).toEqual(['edge', 'stable']);
  });

  it('is read once, and again only after a failure', async () => {
    const { cache, client, fleet } = await world();
    client.mode = 'refuse';
    await expect(cache.inForce(fleet())).rejects.toThrow('no answer');
    client.mode = 'pass';
    const release = await cache.inForce(fleet());
    client.mode = 'refuse';
    expect(await cache.inForce(fleet())).toBe(release);
  });

  it('is at fault where a ConfigMap of it is gone', async () => {
    const { api, refs, faultOf } = await world();
    api.drop({ namespace: 'ns', name: refs[0] ?? '' });
    expect(await faultOf()).toBe(
      `one of the ConfigMaps ${refs[0]} is gone: publish a good release, which stores it anew`,
    );
  });

  const gzipped = (text: string) => ({ binaryData: { 'content.gz': gzipSync(text).toString('base64') } });

  it.each<[string, object]>([
    ['holds another content', gzipped('{}')],
    ['holds no gzip', { binaryData: { 'content.gz': 'AAAA' } }],
    ['holds nothing', {}],
  ])('is at fault, with the remedy, where a ConfigMap under its name %s', async (_, content) => {
    const { refs, replace, faultOf } = await world();
    await replace(content);
    expect(await faultOf()).toMatch(`the ConfigMaps ${refs[0]} do not hold what was stored (`);
    expect(await faultOf()).toMatch('): delete them and publish a good release');
  });

  it('is refused where its key was taken away, and stays where the trust config merely got lost', async () => {
    const { cache, refs, fleet, believe, faultOf } = await world();
    const release = await cache.inForce(fleet());
    believe(undefined);
    expect(await cache.inForce(fleet())).toBe(release);
    believe(trustIn(null));
    expect(await cache.inForce(fleet())).toBe(release);
    believe(trustIn(OTHER_KEY.trusted));
    expect(await faultOf()).toMatch(new RegExp(`^${refs[0]} is refused: fleet\\.resolved\\.json: `));
    believe(undefined);
    expect(await faultOf()).toMatch(`${refs[0]} cannot be verified: `);
  });

  it('is refused from the moment on at which the successor that signed it is no longer trusted', async () => {
    const { cache, clock, fleet, believe, faultOf } = await world();
    const retireAt = addMillis(clock.now(), 60_000);
    const { ciReleaseKey, ...rest } = trustIn(OTHER_KEY.trusted);
    believe({ ...rest, ciReleaseKey: { ...ciReleaseKey, successor: CI_KEY.trusted, retireAt } });
    const release = await cache.inForce(fleet());
    await clock.advance(59_999);
    expect(await cache.inForce(fleet())).toBe(release);
    await clock.advance(1);
    expect(await faultOf()).toMatch('is refused: fleet.resolved.json: ');
  });

  it('is not taken on trust by a process that never verified it', async () => {
    const { refs, believe, faultOf } = await world();
    believe(undefined);
    expect(await faultOf()).toBe(
      `${refs[0]} cannot be verified: spec.trust.configMapRef: ConfigMap trust does not exist: create it with the trust.json`,
    );
    believe(trustIn(null));
    expect(await faultOf()).toMatch(`${refs[0]} cannot be verified: `);
  });
});

describe('the manifest that a Rollout runs by', () => {
  const rolloutOf = (changes: object, contentRefs?: readonly string[]) => {
    const sample = sampleRollout('ns');
    const manifest = contentRefs && {
      sha256: 'x',
      signedAt: RELEASE.signedAt,
      contentRefs: [...contentRefs],
    };
    return {
      ...sample,
      spec: { ...sample.spec, rolloutId: `stable@${commitOf()}`, ...changes },
      status: { state: 'Active' as const, currentWave: 0, ...(manifest && { manifest }) },
    };
  };

  it('is that of its channel and id in the content it points at', async () => {
    const { cache, refs, fleet } = await world();
    const manifestOf = (changes: object, contentRefs?: readonly string[]) =>
      cache.manifestOf(fleet([]), rolloutOf(changes, contentRefs));
    expect(await manifestOf({}, refs)).toMatchObject({
      rolloutId: `stable@${commitOf()}`,
      channel: 'stable',
    });
    expect(await manifestOf({})).toBeUndefined();
    expect(await manifestOf({ channel: 'edge' }, refs)).toBeUndefined();
    expect(await manifestOf({ rolloutId: `stable@${commitOf('2')}` }, refs)).toBeUndefined();
  });
});
