import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { delimiter, dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { unpackLayerProgram } from '../../src/dev/layer-program.ts';
import { clusterFolder, kube, names, removeEverything } from './support/cluster.ts';

const LIMIT_MS = 240_000;
/** What somebody may have made here by following the README. */
const MADE = /^my-fleet$|^trust\.json$|\.pem$|\.pub\.json$/;

/** The file by which the Makefile knows that everything is installed. */
const INSTALLED = '.package-lock.json';

let folder: string;

beforeAll(async () => {
  await removeEverything();
  folder = await mkdtemp(join(clusterFolder(), 'readme-'));
  await linkAll('.', folder, (name) => !name.startsWith('.') && name !== 'node_modules' && !MADE.test(name));
  // A folder of its own, and new, so that `make setup` has nothing to do and could not do anything to ours.
  await mkdir(join(folder, 'node_modules'));
  await linkAll('node_modules', join(folder, 'node_modules'), (name) => name !== INSTALLED);
  await writeFile(join(folder, 'node_modules', INSTALLED), '');
  await shell(
    'git init --quiet && git -c user.name=a -c user.email=a@b.c commit --quiet --allow-empty -m begin',
  );
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function linkAll(from: string, to: string, wanted: (name: string) => boolean): Promise<void> {
  for (const name of (await readdir(from)).filter(wanted)) await symlink(resolve(from, name), join(to, name));
}

/** The commands of a section, as they are printed. */
async function commandsOf(file: string, heading: string): Promise<string> {
  const [, section = ''] = (await readFile(file, 'utf8')).split(`\n## ${heading}\n`);
  const block = /```sh\n([\s\S]*?)```/.exec(section)?.[1];
  if (block === undefined) throw new Error(`${file} has no commands under "${heading}"`);
  return block;
}

/** Runs commands as somebody types them, and ends what they leave running. Rejects with the end of their output. */
async function shell(commands: string): Promise<string> {
  const programs = [dirname(await unpackLayerProgram('helm')), process.env['PATH']].join(delimiter);
  const env = { ...process.env, PATH: programs };
  const child = spawn('bash', ['-euo', 'pipefail', '-c', commands], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const closed = once(child, 'close');
  const [code] = await once(child, 'exit');
  clearTimeout(limit);
  endGroup(child.pid);
  await closed;
  if (code !== 0) throw new Error(`exit code ${code}:\n${output.slice(-4000)}`);
  return output;
}

function endGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGTERM');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error; // nothing was left
  }
}

it('takes somebody with a cluster and the README alone to a converged fleet', async () => {
  const output = await shell(await commandsOf('README.md', 'On a cluster'));
  expect(output).toMatch(/^fleet\.nixfleet\.dev\/fleet condition met$/m);
  expect(output).toMatch(/^rollout\.nixfleet\.dev\/stable-\S+ +stable .*Terminal/m);
  const states = '{range .items[*]}{.status.state}{"\\n"}{end}';
  const text = await kube(['get', 'hostrolloutrecords', '-o', `jsonpath=${states}`]);
  expect(text.trim().split('\n')).toEqual(Array.from({ length: 8 }, () => 'Converged'));
});

it('leaves nothing when docs/install.md says how to remove everything', async () => {
  expect(await names('crds')).toContain('fleets.nixfleet.dev');
  const [, section = ''] = (await readFile('docs/install.md', 'utf8')).split('\n## Uninstall\n');
  for (const [, block = ''] of section.matchAll(/```sh\n([\s\S]*?)```/g)) await shell(block);
  expect(await names('crds')).toEqual([]);
  expect(await names('namespaces')).not.toContain('nixfleet');
  expect(await names('clusterroles', '--selector=app.kubernetes.io/part-of=nixfleet')).toEqual([]);
});
