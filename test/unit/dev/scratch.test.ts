import { access, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { onlyScratch } from '../../../src/dev/scratch.ts';

test('a run removes what killed runs before it left, and nothing else', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'nixfleet-test-'));
  try {
    for (const name of ['node-abc123', 'node-level-abc123', 'other-abc123']) await mkdir(join(parent, name));
    const made = await onlyScratch('node-', parent);
    await access(made);
    expect((await readdir(parent)).toSorted()).toEqual(
      ['node-level-abc123', 'other-abc123', basename(made)].toSorted(),
    );
  } finally {
    await rm(parent, { recursive: true });
  }
});
