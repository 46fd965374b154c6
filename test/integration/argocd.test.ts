import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseTimestamp } from '../../src/api/time.ts';
import { hasGo } from '../../src/dev/go-build.ts';
import { ensureGoTools, toolFolder } from '../../src/dev/go-tools.ts';

const FOLDER = 'examples/argocd';
const go = await hasGo(process.env);
if (!go)
  console.error('*** SKIPPED: what Argo CD runs cannot be run here: there is no Go to build its Lua with');

const healthSchema = z.strictObject({
  status: z.enum(['Healthy', 'Progressing', 'Degraded', 'Suspended']),
  message: z.string().min(1),
});
const actionsSchema = z.strictObject({
  'discovery.lua': z.string(),
  definitions: z.array(z.strictObject({ name: z.string(), 'action.lua': z.string() })),
});

let lua: string;
let scratch: string;
beforeAll(async () => {
  if (!go) return;
  scratch = await mkdtemp(join(tmpdir(), 'nixfleet-argocd-'));
  const tool = {
    name: 'argocd-lua',
    moduleFolder: toolFolder('argocd-lua'),
    importPath: '.',
    versionFlags: () => [],
  };
  const set = { what: 'the Lua of Argo CD', tools: [tool], withoutGo: '' };
  lua = join(await ensureGoTools(set, () => undefined), tool.name);
});
afterAll(async () => {
  if (go) await rm(scratch, { recursive: true });
});

async function runLua(scriptFile: string, object: unknown): Promise<unknown> {
  const child = spawn(lua, [scriptFile], { stdio: ['pipe', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stdin.end(JSON.stringify(object));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code, `${scriptFile} runs`).toBe(0);
  return JSON.parse(output) as unknown;
}

async function fixture(name: string): Promise<{ spec: { intent?: unknown } }> {
  return parse(await readFile(join(FOLDER, 'testdata', `${name}.yaml`), 'utf8')) as { spec: object };
}

async function action(key: string): Promise<string> {
  const actions = actionsSchema.parse(parse(await readFile(join(FOLDER, 'rollout-actions.yaml'), 'utf8')));
  const script =
    key === 'discovery'
      ? actions['discovery.lua']
      : actions.definitions.find(({ name }) => name === key)?.['action.lua'];
  const file = join(scratch, `${key}.lua`);
  await writeFile(file, script ?? '');
  return file;
}

const HEALTH = [
  ['rollout-new', 'Progressing', 'not looked at it yet'],
  ['rollout-changed', 'Progressing', 'not looked at it yet'],
  ['rollout-in-progress', 'Progressing', '3 of 8'],
  ['rollout-waiting', 'Suspended', 'channel-edge holds 5'],
  ['rollout-paused', 'Suspended', 'spec.intent.hold'],
  ['rollout-halted', 'Degraded', 'Halted by web-02'],
  ['rollout-halted-and-paused', 'Degraded', 'Halted by web-02'],
  ['rollout-converged', 'Healthy', 'All 8 hosts'],
  ['rollout-superseded', 'Healthy', 'took over'],
  ['fleet-new', 'Progressing', 'not looked at it yet'],
  ['fleet-changed', 'Progressing', 'not looked at it yet'],
  ['fleet-opening', 'Progressing', 'being opened'],
  ['fleet-in-force', 'Healthy', 'in force'],
  ['fleet-on-hold', 'Suspended', 'keeps the rollouts closed'],
  ['fleet-refused', 'Degraded', 'stable.manifest.json'],
  ['fleet-refused-source-unreachable', 'Degraded', 'answers 503'],
  ['fleet-deadlocked', 'Degraded', 'wait for each other'],
] as const;

describe.runIf(go)('in Argo CD', () => {
  it.for(HEALTH)('the health of %s is %s', async ([name, status, words]) => {
    const script = join(FOLDER, `${name.slice(0, name.indexOf('-'))}-health.lua`);
    const health = healthSchema.parse(await runLua(script, await fixture(name)));
    expect(health).toEqual({ status, message: expect.stringContaining(words) as unknown });
  });

  it('every fixture is looked at', async () => {
    const names = (await readdir(join(FOLDER, 'testdata'))).map((file) => file.replace('.yaml', ''));
    expect(HEALTH.map(([name]) => name).toSorted()).toEqual(names.toSorted());
  });

  it.for([
    ['rollout-in-progress', ['pause']],
    ['rollout-new', ['pause']],
    ['rollout-paused', ['resume']],
    ['rollout-halted', ['clear', 'pause']],
    ['rollout-halted-and-paused', ['clear', 'resume']],
    ['rollout-converged', []],
    ['rollout-superseded', []],
  ] as const)('%s offers %j', async ([name, offered]) => {
    const found = await runLua(await action('discovery'), await fixture(name));
    const actions = z.record(z.string(), z.strictObject({ disabled: z.boolean() })).parse(found);
    const enabled = Object.entries(actions).flatMap(([key, { disabled }]) => (disabled ? [] : [key]));
    expect(enabled.toSorted()).toEqual(offered);
  });

  it.for([
    ['pause', 'rollout-in-progress', { hold: 'Pause' }],
    ['resume', 'rollout-paused', { hold: 'None' }],
  ] as const)('%s changes nothing but the intent', async ([name, before, intent]) => {
    const object = await fixture(before);
    const changed = await runLua(await action(name), object);
    expect(changed).toEqual({ ...object, spec: { ...object.spec, intent } });
  });

  it('clear asks for it now, with a reason, and leaves a pause alone', async () => {
    const object = await fixture('rollout-halted-and-paused');
    const changed = (await runLua(await action('clear'), object)) as typeof object;
    expect(changed.spec.intent).toEqual({
      hold: 'Pause',
      clear: { at: expect.any(String) as unknown, reason: 'cleared in Argo CD' },
    });
    const { clear } = z.looseObject({ clear: z.object({ at: z.string() }) }).parse(changed.spec.intent);
    expect(parseTimestamp(clear.at)).toBeDefined();
  });
});
