import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Cgroups } from '../../../src/dev/cgroups.ts';

let mount: string;

beforeEach(async () => {
  mount = await mkdtemp(join(tmpdir(), 'cgroups-'));
});

afterEach(async () => rm(mount, { recursive: true }));

async function hierarchy(name: string, files: Record<string, string> = {}): Promise<void> {
  await mkdir(join(mount, name), { recursive: true });
  for (const [file, text] of Object.entries({ 'cgroup.procs': '1\n', ...files })) {
    await writeFile(join(mount, name, file), text);
  }
}

async function unified(controllers: string): Promise<void> {
  await hierarchy('.', { 'cgroup.controllers': `${controllers}\n`, 'cgroup.subtree_control': '' });
}

describe('version 1', () => {
  beforeEach(async () => {
    const cpus = { 'cpuset.cpus': '0-1\n', 'cpuset.mems': '0\n' };
    await hierarchy('cpu,cpuacct');
    await hierarchy('cpuset', cpus);
    for (const name of ['memory', 'pids']) await hierarchy(name);
    await mkdir(join(mount, 'no-hierarchy'));
  });

  it('is enough beside an empty hierarchy of version 2', async () => {
    await hierarchy('unified', { 'cgroup.controllers': 'hugetlb\n' });
    expect(await (await Cgroups.find(mount)).reasonAgainst()).toBeUndefined();
  });

  it('names what is missing', async () => {
    await rm(join(mount, 'memory'), { recursive: true });
    expect(await (await Cgroups.find(mount)).reasonAgainst()).toContain('lacks cgroups for memory under');
  });

  it('gets a group in each hierarchy, with CPUs to run on, and loses it again with those under it', async () => {
    const cgroups = await Cgroups.find(mount);
    await cgroups.make('ours');
    expect(await readFile(join(mount, 'cpuset/ours/cpuset.cpus'), 'utf8')).toBe('0-1\n');
    for (const name of ['cpu,cpuacct', 'cpuset', 'memory', 'pids']) {
      expect(await readdir(join(mount, name))).toContain('ours');
    }
    expect(await readdir(join(mount, 'no-hierarchy'))).toEqual([]);
    await rm(join(mount, 'cpuset/ours/cpuset.cpus')); // a kernel's files go with their folder
    await rm(join(mount, 'cpuset/ours/cpuset.mems'));
    await mkdir(join(mount, 'memory/ours/pod/container'), { recursive: true });
    await cgroups.remove('ours');
    expect(await readdir(join(mount, 'memory'))).not.toContain('ours');
    expect(await readdir(join(mount, 'cpuset'))).not.toContain('ours');
  });
});

describe('version 2', () => {
  it('is enough with its controllers, which groups under the root are given', async () => {
    await unified('cpuset cpu io memory pids');
    const cgroups = await Cgroups.find(mount);
    expect(await cgroups.reasonAgainst()).toBeUndefined();
    await cgroups.make('ours');
    expect(await readFile(join(mount, 'cgroup.subtree_control'), 'utf8')).toBe(
      '+cpuset +cpu +io +memory +pids',
    );
    expect(await readdir(mount)).toContain('ours');
    await cgroups.remove('ours');
    expect(await readdir(mount)).not.toContain('ours');
  });

  it('names what was not delegated', async () => {
    await unified('memory pids');
    expect(await (await Cgroups.find(mount)).reasonAgainst()).toContain(
      'lacks the cgroup v2 controllers cpu in',
    );
  });
});
