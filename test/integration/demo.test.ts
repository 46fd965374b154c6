import { existsSync } from 'node:fs';
import { expect, it, onTestFinished } from 'vitest';
import { processesNaming } from './support/processes.ts';
import { Program } from './support/program.ts';

const DEMO = 'src/dev/demo/main.ts';
const MINUTES = 60_000;

function demo(...args: string[]): Program {
  const program = new Program([DEMO, ...args]);
  onTestFinished(() => void program.child.kill('SIGINT'));
  return program;
}

it(
  'with two operators, killing the leader in the middle of the demo changes nothing about its end',
  async () => {
    const program = demo('--acts', '1', '--two-operators', '--kill-leader');
    expect(await program.exitCode(), program.output).toBe(0);
    expect(program.output).toMatch(/operator-\d led and was killed with SIGKILL/);
    expect(program.output).toContain('As expected: every host Converged');
  },
  4 * MINUTES,
);

it(
  'Ctrl-C in the middle leaves neither processes nor folders behind',
  async () => {
    const program = demo();
    await program.prints('edge-01: Activating');
    const folder = /apply --server-side -f (\S+)\/installation\//.exec(program.output)?.[1] ?? '';
    expect(existsSync(folder)).toBe(true);
    program.child.kill('SIGINT');
    expect(await program.exitCode(), program.output).toBe(130);
    expect(existsSync(folder)).toBe(false);
    expect(processesNaming(folder)).toEqual([]);
  },
  2 * MINUTES,
);

it('says what is wrong with its flags', async () => {
  const program = demo('--kill-leader');
  expect(await program.exitCode()).toBe(2);
  expect(program.output).toContain('--kill-leader leaves nobody to go on: give --two-operators, too');
});
