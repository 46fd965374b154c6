import { describe, expect, test } from 'vitest';
import { violations } from '../../../scripts/source-rules.ts';

function messages(path: string, text: string): string[] {
  return violations([{ path, text }]).map((violation) => `${violation.line}: ${violation.message}`);
}

describe('import direction', () => {
  test.for<[rule: string, path: string, specifier: string]>([
    ['api knows its own files', 'src/api/a.ts', './time.ts'],
    ['core knows api', 'src/core/host/step.ts', '../../api/gates.ts'],
    ['core/artifacts may hash', 'src/core/artifacts/hash.ts', 'node:crypto'],
    ['core/naming may hash', 'src/core/naming.ts', 'node:crypto'],
    ['kube may read timestamps', 'src/kube/clock.ts', '../api/time.ts'],
    ['controllers know core', 'src/controllers/fleet/a.ts', '../../core/naming.ts'],
    ['webhook may use packages', 'src/webhook/server.ts', 'lru-cache'],
    ['agent knows core', 'src/agent/machine.ts', '../core/naming.ts'],
    ['dev knows the agent', 'src/dev/demo/main.ts', '../../agent/client.ts'],
    ['main wires everything', 'src/main.ts', './webhook/server.ts'],
  ])('%s', ([, path, specifier]) => {
    expect(messages(path, `import { a } from '${specifier}';\n`)).toEqual([]);
  });

  test.for<[rule: string, path: string, specifier: string, message: string]>([
    ['api imports nothing of ours', 'src/api/a.ts', '../core/naming.ts', 'imports core/naming.ts: api may'],
    ['core does not know kube', 'src/core/a.ts', '../kube/clock.ts', 'imports kube/clock.ts: core may'],
    ['core does no I/O', 'src/core/host/a.ts', 'node:fs', 'imports node:fs: core is pure'],
    [
      'only two places in core hash',
      'src/core/host/a.ts',
      'node:crypto',
      'imports node:crypto: core is pure',
    ],
    ['core logs nothing', 'src/core/a.ts', 'pino', 'imports the package pino: core may use only'],
    ['kube knows no kinds', 'src/kube/a.ts', '../api/gates.ts', 'imports api/gates.ts: kube may'],
    [
      'telemetry knows no rules',
      'src/telemetry/a.ts',
      '../core/naming.ts',
      'imports core/naming.ts: telemetry',
    ],
    [
      'webhook is no controller',
      'src/webhook/a.ts',
      '../controllers/b.ts',
      'imports controllers/b.ts: webhook',
    ],
    [
      'controllers serve nobody',
      'src/controllers/a.ts',
      '../webhook/b.ts',
      'imports webhook/b.ts: controllers',
    ],
    ['the agent is outside', 'src/agent/a.ts', '../webhook/b.ts', 'imports webhook/b.ts: agent may'],
    ['dev does not wire', 'src/dev/a.ts', '../main.ts', 'imports main.ts: dev may'],
    ['src needs no test', 'src/dev/a.ts', '../../test/b.ts', 'imports test/b.ts: src/ stands alone'],
  ])('%s', ([, path, specifier, message]) => {
    const found = messages(path, `// first\nimport type {\n  A,\n} from '${specifier}';\n`);
    expect(found).toEqual([expect.stringContaining(`2: ${message}`)]);
  });

  test('sees re-exports, bare imports and dynamic ones; not what stands in a comment', () => {
    const text = [
      "export { a } from '../kube/a.ts';",
      "import '../kube/b.ts';",
      "const c = await import('../kube/c.ts');",
      "// import d from '../kube/d.ts'",
      "/* import '../kube/e.ts' */",
    ].join('\n');
    expect(messages('src/core/a.ts', text).map((message) => message.slice(0, 20))).toEqual([
      '1: imports kube/a.ts',
      '2: imports kube/b.ts',
      '3: imports kube/c.ts',
    ]);
  });

  test('a folder that is no room has to be given a rule', () => {
    expect(messages('src/helpers/a.ts', '')).toEqual([expect.stringContaining('src/helpers is no room')]);
  });
});

describe('time and state come as parameters', () => {
  test.for([
    'Date.now()',
    'performance.now()',
    'new Date()',
    'setTimeout(f, 1)',
    "x = require('node:timers')",
  ])('%s is for the clock alone', (code) => {
    expect(messages('src/kube/work-queue.ts', code)).toHaveLength(1);
    expect(messages('src/kube/clock.ts', code)).toEqual([]);
  });

  test('a clock’s own methods and dates made of something are fine', () => {
    expect(messages('src/kube/a.ts', 'clock.setTimeout(f, 1); new Date(0); // Date.now()\n')).toEqual([]);
  });

  test('core throws no dice and prints nothing', () => {
    expect(messages('src/core/a.ts', 'Math.random();\nconsole.log(1);\nprocess.exit();\n')).toHaveLength(3);
    expect(messages('src/webhook/a.ts', 'Math.random();\n')).toEqual([]);
  });
});

describe('exports are documented', () => {
  test('an export needs a comment, unless another of the same name above has one', () => {
    const text =
      '/** A. */\nexport function a(): void;\nexport function a(x?: number): void {}\nexport class B {}\n';
    expect(messages('src/kube/a.ts', text)).toEqual(['4: export B has no doc comment']);
  });
});
