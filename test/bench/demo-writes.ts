import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { demoFleet } from '../../src/dev/demo/design.ts';
import type { NamedWrites } from './name-writes.ts';
import { readWrites } from './rollout.ts';

const DEMO = fileURLToPath(new URL('../../src/dev/demo/main.ts', import.meta.url));

/** Plays one act of the demo and reads what it wrote, from the first Host object on. */
export async function demoWrites(): Promise<{ readonly hosts: number; readonly writes: NamedWrites }> {
  const folder = await mkdtemp(join(tmpdir(), 'nixfleet-bench-'));
  const auditLog = join(folder, 'audit.log');
  try {
    await promisify(execFile)(process.execPath, [DEMO, '--acts', '1', '--audit-log', auditLog]);
    const { writes } = await readWrites(auditLog);
    return { hosts: demoFleet.hosts.length, writes };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
