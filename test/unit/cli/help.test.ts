import { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { processIo } from '../../../src/cli/cli-io.ts';
import { registerCommands } from '../../../src/cli/register-commands.ts';
import { run } from './harness.ts';

const program = new Command();
registerCommands(program, processIo);
const commands = program.commands.map((command) => command.name());

test('the commands that CI has', () => {
  expect(commands).toEqual([
    'release',
    'sign',
    'verify',
    'project',
    'canonicalize',
    'keygen',
    'derive-pubkey',
    'mint-token',
    'mint-nonces',
    'mint-revocation',
  ]);
});

describe.each(commands)('%s', (name) => {
  test('explains itself with an example of its own use, on stdout', async () => {
    const { code, out, err } = await run([name, '--help']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^Examples?:\n {2}\$ nixfleet-operator /m);
    for (const [, used] of out.matchAll(/^ {2}\$ nixfleet-operator (\S+)/gm)) expect(used).toBe(name);
  });

  test('knows every option that its examples use', async () => {
    const { out } = await run([name, '--help']);
    const [options = '', examples = ''] = out.split(/^Examples?:$/m);
    const own = examples.split('|').filter((part) => part.includes('nixfleet-operator'));
    for (const [option] of own.join(' ').matchAll(/--[a-z][a-z\d-]*/g))
      expect(options).toContain(`  ${option} `);
  });

  test('answers an unknown option with exit code 2 and a hint at its help', async () => {
    const { code, out, err } = await run([name, '--no-such-option']);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain(`("nixfleet-operator ${name} --help" explains, with an example)`);
  });
});
