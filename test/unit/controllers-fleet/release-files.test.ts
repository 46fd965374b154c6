import { describe, expect, test } from 'vitest';
import { releaseOfConfigMaps, SourceFault } from '../../../src/controllers/fleet/release-files.ts';
import type { ConfigMap } from '../../../src/kube/blob-store.ts';
import { asBinary, asText, cut, packed, releaseFiles, type ConfigMapContent } from '../../support/release.ts';

const files = releaseFiles();
const FLEET = 'fleet.resolved.json';

function configMaps(...contents: readonly ConfigMapContent[]): ConfigMap[] {
  return contents.map((content, index) => ({ metadata: { name: `part-${index}` }, ...content }));
}

async function faultOf(...contents: readonly ConfigMapContent[]): Promise<string> {
  try {
    await releaseOfConfigMaps(configMaps(...contents));
    return 'none';
  } catch (error) {
    if (error instanceof SourceFault) return `${error.reason}: ${error.message}`;
    throw error;
  }
}

describe('the release in some ConfigMaps', () => {
  test('is the documents byte by byte with their signatures, channels by file name in order', async () => {
    for (const content of [
      asText(files),
      asBinary(files),
      asBinary(packed(files)),
      asBinary(cut(files, 100)),
    ]) {
      const release = await releaseOfConfigMaps(configMaps(content));
      expect(Buffer.from(release.fleet.bytes)).toEqual(files.get(FLEET));
      expect(Buffer.from(release.fleet.signature)).toEqual(files.get(`${FLEET}.sig`));
      expect(release.manifests.map(({ channel }) => channel)).toEqual(['edge', 'stable']);
    }
  });

  test('ignores keys that are no part of a release', async () => {
    const release = await releaseOfConfigMaps(configMaps(asText(files), { data: { 'README.md': 'hello' } }));
    expect(release.manifests).toHaveLength(2);
  });

  test('given twice is refused, because nobody could say which one was meant', async () => {
    expect(await faultOf(asText(files), asBinary(packed(files)))).toContain(
      `DuplicateKey: ${FLEET} is given twice in spec.source.configMapRefs: keep one`,
    );
    const halves = [...cut(files, 100)];
    expect(await faultOf(asBinary(new Map(halves)), asBinary(new Map(halves.slice(0, 1))))).toMatch(
      /^DuplicateKey/,
    );
  });

  test('with a hole between its parts names the part', async () => {
    const parts = cut(files, 100);
    parts.delete(`${FLEET}.gz.1`);
    expect(await faultOf(asBinary(parts))).toMatch(/^MissingKey: fleet\.resolved\.json\.gz\.1 is missing/);
  });

  test('whose last part is missing is truncated, not shorter', async () => {
    const parts = cut(files, 100);
    const last = [...parts.keys()].filter((key) => key.startsWith(`${FLEET}.gz.`)).at(-1) ?? '';
    parts.delete(last);
    expect(await faultOf(asBinary(parts))).toMatch(
      /^SourceUnreadable: fleet\.resolved\.json\.gz cannot be unpacked/,
    );
  });

  test('in more parts than a reader shall join is refused', async () => {
    expect(await faultOf(asBinary(cut(files, 4)))).toMatch(/^SourceUnreadable: .*has more than 64 parts/);
  });

  test('that unpacks to more than anybody publishes is refused before it fills the memory', async () => {
    const bomb = packed(new Map([[FLEET, Buffer.alloc(129 * 1024 * 1024)]]));
    expect(await faultOf(asBinary(bomb))).toMatch(/^SourceUnreadable: .*cannot be unpacked/);
  });
});
