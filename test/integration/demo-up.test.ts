import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';
import { processesNaming } from './support/processes.ts';
import { Program } from './support/program.ts';

const run = promisify(execFile);
const LIMIT = 180_000;

async function up(STATE: string): Promise<{ program: Program; agentUrl: string | undefined }> {
  const program = new Program(['src/dev/up/main.ts'], { STATE });
  onTestFinished(() => void program.child.kill('SIGINT'));
  await program.prints('\nUp.\n');
  return { program, agentUrl: /agent URL\s+(\S+)/.exec(program.output)?.[1] };
}

it(
  'the commands that make up prints take a host to Converged, and a restart with STATE finds it there',
  async () => {
    const state = await mkdtemp(join(tmpdir(), 'nixfleet-up-'));
    onTestFinished(async () => rm(state, { recursive: true, force: true }));
    const first = await up(state);
    const script = join(state, 'installation', 'next-steps.sh');
    expect(first.program.output).toContain(await readFile(script, 'utf8'));
    const { stdout } = await run('bash', ['-euo', 'pipefail', script]);
    expect(stdout).toContain('"target_closure":"1111111111111111111111111111111a-nixos-system-web-01-26.05"');
    expect(stdout.match(/^204$/gm)).toHaveLength(4);
    expect(stdout).toMatch(/rollout\S* +lab +a1b2c3d4 +Terminal +1\/1 +1\/1/);
    expect(stdout).toContain('{"cn":"agent-web-02.fleet.example"');
    first.program.child.kill('SIGINT');
    expect(await first.program.exitCode(), first.program.output).toBe(0);
    expect(processesNaming(state)).toEqual([]);

    const second = await up(state);
    expect(second.agentUrl).toBe(first.agentUrl);
    const kubeconfig = join(state, 'kubeconfig');
    const kubectl = /command '([^']+)'/.exec(second.program.output)?.[1] ?? 'kubectl';
    const rollouts = await run(kubectl, [
      '--kubeconfig',
      kubeconfig,
      '-n',
      'nixfleet',
      'get',
      'nfr',
      '--no-headers',
    ]);
    expect(rollouts.stdout).toMatch(/Terminal/);
    second.program.child.kill('SIGINT');
    expect(await second.program.exitCode()).toBe(0);
  },
  LIMIT,
);
