import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';

/** A part of the level: golden stories, seeds, broken builds that have to be noticed. */
export type RunPart = 'stories' | 'seeds' | 'mutants';

/** What to run. */
export interface RunOptions {
  /** One scenario from a file, as a failing seed leaves it. */
  readonly scenario: string | undefined;
  /** First and last seed. */
  readonly seeds: readonly [number, number] | undefined;
  /** Seeds one after the other for so long, from a random one on. */
  readonly minutes: number | undefined;
  /** Plays seeds until one breaks this rule, which is then what was wanted. */
  readonly expect: string | undefined;
  /** Expects it in this story instead. */
  readonly told: string | undefined;
  /** What is played; seeds unless something else is asked for. */
  readonly parts: ReadonlySet<RunPart>;
  /** Whether failing seeds are made smaller. */
  readonly shrink: boolean;
  /** Prints the story of every seed. */
  readonly story: boolean;
  /** Processes at the same time; with one, seeds are played in this process. */
  readonly workers: number;
}

/** Reads flags and the variables SEEDS (`7`, `1-5000`), MINUTES and WORKERS. Throws on what makes no sense. */
export function runOptions(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): RunOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      minutes: { type: 'string' },
      scenario: { type: 'string' },
      told: { type: 'string' },
      expect: { type: 'string' },
      all: { type: 'boolean', default: false },
      stories: { type: 'boolean', default: false },
      mutants: { type: 'boolean', default: false },
      'no-shrink': { type: 'boolean', default: false },
      story: { type: 'boolean', default: false },
      workers: { type: 'string' },
    },
  });
  const seeds = values.seed ?? values.seeds ?? emptyToUndefined(env['SEEDS']);
  const workers = values.workers ?? emptyToUndefined(env['WORKERS']);
  const minutes = values.minutes ?? emptyToUndefined(env['MINUTES']);
  return {
    scenario: values.scenario,
    seeds: seeds === undefined ? undefined : rangeOf(seeds),
    minutes: minutes === undefined ? undefined : numberOf(minutes),
    expect: values.expect,
    told: values.told,
    parts: partsOf(values),
    shrink: !values['no-shrink'],
    story: values.story,
    workers: workers === undefined ? availableParallelism() : Math.max(1, numberOf(workers)),
  };
}

function partsOf(flags: {
  readonly all: boolean;
  readonly stories: boolean;
  readonly mutants: boolean;
  readonly scenario?: string | undefined;
}): ReadonlySet<RunPart> {
  if (flags.all) return new Set(['stories', 'seeds', 'mutants']);
  const asked = new Set<RunPart>();
  if (flags.stories) asked.add('stories');
  if (flags.mutants) asked.add('mutants');
  if (asked.size === 0 && flags.scenario === undefined) asked.add('seeds');
  return asked;
}

function emptyToUndefined(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function rangeOf(text: string): readonly [number, number] {
  const [first = '', last = first] = text.split('-');
  return [numberOf(first), numberOf(last)];
}

function numberOf(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0))
    throw new Error(`"${text}" is no number: give SEEDS=1-5000 or MINUTES=10`);
  return value;
}
