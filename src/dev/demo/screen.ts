import type { FleetDesign } from '../local/release.ts';
import { cellOf, legend, picture } from './picture.ts';
import { currentRollout, recordsOf, type FleetState } from './observed-fleet.ts';

/** Where the demo shows what happens. */
export interface Screen {
  /** A line that stays. */
  say(line: string): void;
  /** Shows a new state of the fleet. */
  show(state: FleetState): void;
  /** Leaves the picture as it is and goes on below it. */
  freeze(): void;
}

const REDRAW_MS = 100;

/** A picture that is redrawn on a terminal; elsewhere a line for each thing that changes. */
export function openScreen(fleet: FleetDesign, stream: NodeJS.WriteStream): Screen {
  return stream.isTTY ? new PictureScreen(fleet, stream) : new LineScreen(fleet, stream);
}

class PictureScreen implements Screen {
  readonly #fleet: FleetDesign;
  readonly #stream: NodeJS.WriteStream;
  readonly #started = Date.now();
  #drawn = 0;
  #latest: FleetState | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(fleet: FleetDesign, stream: NodeJS.WriteStream) {
    this.#fleet = fleet;
    this.#stream = stream;
  }

  say(line: string): void {
    this.freeze();
    this.#stream.write(`${line}\n`);
  }

  show(state: FleetState): void {
    this.#latest = state;
    this.#timer ??= setTimeout(() => this.#draw(), REDRAW_MS);
  }

  freeze(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#latest !== undefined) this.#draw();
    this.#latest = undefined;
    this.#drawn = 0;
  }

  #draw(): void {
    this.#timer = undefined;
    if (this.#latest === undefined) return;
    const lines = [...picture(this.#latest, this.#fleet, true), legend(true), `${seconds(this.#started)} s`];
    const width = Math.max(40, this.#stream.columns);
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : '';
    this.#stream.write(`${up}${lines.map((line) => `\u001b[2K${cut(line, width)}\n`).join('')}\u001b[0J`);
    this.#drawn = lines.length;
  }
}

class LineScreen implements Screen {
  readonly #fleet: FleetDesign;
  readonly #stream: NodeJS.WriteStream;
  readonly #started = Date.now();
  readonly #shown = new Map<string, string>();

  constructor(fleet: FleetDesign, stream: NodeJS.WriteStream) {
    this.#fleet = fleet;
    this.#stream = stream;
  }

  say(line: string): void {
    this.#stream.write(`${line}\n`);
  }

  show(state: FleetState): void {
    for (const [subject, text] of facts(state, this.#fleet)) {
      if (this.#shown.get(subject) === text) continue;
      this.#shown.set(subject, text);
      if (text !== '') this.#stream.write(`${seconds(this.#started).padStart(5)} s  ${text}\n`);
    }
  }

  freeze(): void {
    // What was said stays said.
  }
}

/** What a reader of lines wants to be told of, each under a subject: a line is due when the text of one changes. */
export function facts(state: FleetState, fleet: FleetDesign): [subject: string, text: string][] {
  const told: [string, string][] = [];
  for (const channel of Object.keys(fleet.waves)) {
    const rollout = currentRollout(state, channel);
    if (rollout === undefined) continue;
    const { name } = rollout.metadata;
    const { state: rolloutState = 'Opening', currentWave = 0, blocked = [] } = rollout.status ?? {};
    told.push([name, `${channel}: ${rolloutState}, wave ${currentWave + 1}/${rollout.spec.waves}`]);
    for (const record of recordsOf(state, rollout)) {
      const cell = cellOf(record);
      told.push([record.metadata.name, cell === 'Pending' ? '' : `${record.spec.hostname}: ${cell}`]);
    }
    const [first] = blocked;
    const held =
      first === undefined
        ? ''
        : `${channel}: held by ${first.gate}: ${first.hosts.join(', ')}: ${first.reason}`;
    told.push([`${name} held`, held]);
  }
  return told;
}

function seconds(since: number): string {
  return ((Date.now() - since) / 1000).toFixed(1);
}

/** Cuts a line at the width of the terminal, not counting colours, so that redrawing never scrolls. */
function cut(line: string, width: number): string {
  let room = width - 1;
  let kept = '';
  // oxlint-disable-next-line no-control-regex -- the escape character is what colours begin with
  for (const part of line.split(/(\u001b\[\d+m)/)) {
    if (part.startsWith('\u001b')) kept += part;
    else {
      kept += part.slice(0, room);
      room -= Math.min(room, part.length);
    }
  }
  return kept;
}
