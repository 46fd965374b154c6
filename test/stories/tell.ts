import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { play } from '../simulator/play.ts';
import { STORIES, type Story } from './scenarios.ts';

/** How a story compares with what is checked in; `problem` is absent where it is the same to the byte. */
export interface Telling {
  readonly name: string;
  readonly problem?: string | undefined;
}

/** Plays every story and compares it with its log; with `update` the logs are written instead. */
export async function tellStories(update: boolean): Promise<Telling[]> {
  const tellings: Telling[] = [];
  for (const [name, story] of Object.entries(STORIES)) {
    const file = join(import.meta.dirname, `${name}.log`);
    const { text, broken } = await tell(name, story);
    if (update) writeFileSync(file, text);
    const known = existsSync(file) ? readFileSync(file, 'utf8') : '';
    tellings.push({ name, problem: broken ?? firstDifference(known, text) });
  }
  return tellings;
}

async function tell(
  name: string,
  { about, scenario }: Story,
): Promise<{ text: string; broken: string | undefined }> {
  const { story, violation } = await play(scenario);
  const title = name.replaceAll('-', ' ');
  const broken = violation === undefined ? undefined : `breaks "${violation.rule}": ${violation.what}`;
  return { text: `# ${title}\n# ${about}\n\n${story.join('\n')}\n`, broken };
}

function firstDifference(known: string, told: string): string | undefined {
  if (known === told) return undefined;
  const [before, now] = [known.split('\n'), told.split('\n')];
  const line = now.findIndex((text, index) => text !== before[index]);
  const at = line < 0 ? now.length : line;
  return `line ${at + 1} was\n    ${before[at] ?? '(nothing)'}\n  and is\n    ${now[at] ?? '(nothing)'}\n  UPDATE_STORIES=1 npm run simulate -- --stories rewrites`;
}
