import { chmod, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { writeImageLayout } from '../../../src/dev/image/oci-layout.ts';

let scratch = '';
afterEach(async () => rm(scratch, { recursive: true, force: true }));

async function layer(name: string, modified: number): Promise<string> {
  const folder = join(scratch, name);
  await mkdir(join(folder, 'app'), { recursive: true });
  const file = join(folder, 'app', 'main');
  await writeFile(file, 'program');
  await chmod(file, 0o755);
  await utimes(file, modified, modified);
  return folder;
}

const descriptor = z.object({ digest: z.string(), size: z.number() });
const manifestSchema = z.object({ config: descriptor, layers: z.array(descriptor) });

test('an image is the same whenever it is packed, and each part has the digest that it is filed under', async () => {
  scratch = await mkdtemp(join(tmpdir(), 'nixfleet-test-'));
  const image = { name: 'localhost/x:y', config: { Entrypoint: ['/app/main'] } };
  const digests: string[] = [];
  for (const [name, modified] of [
    ['first', 1_000_000],
    ['second', 2_000_000],
  ] as const) {
    const layers = [await layer(name, modified)];
    digests.push(await writeImageLayout(join(scratch, `${name}-image`), { ...image, layers }));
  }
  expect(digests[0]).toBe(digests[1]);
  const blob = async (digest: string): Promise<Buffer> =>
    readFile(join(scratch, 'first-image', 'blobs', digest.replace(':', '/')));
  const manifest = manifestSchema.parse(JSON.parse((await blob(digests[0] ?? '')).toString()));
  for (const { digest, size } of [manifest.config, ...manifest.layers]) {
    const bytes = await blob(digest);
    expect(`sha256:${createHash('sha256').update(bytes).digest('hex')}`).toBe(digest);
    expect(bytes.length).toBe(size);
  }
});
