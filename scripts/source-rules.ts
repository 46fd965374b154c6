/** A source file as the rules see it: its path from the project's root, and its text. */
export interface SourceFile {
  path: string;
  text: string;
}

/** A place where a rule is broken, with what to do about it. */
export interface Violation {
  path: string;
  line: number;
  message: string;
}

/** What the files of one room under src/ may import. */
interface RoomRule {
  /** Rooms, or single files, of this project; `'*'` for all of them. */
  own: readonly string[];
  /** Packages; absent means any. Only the pure rooms have a list. */
  packages?: readonly string[];
  /** Node's own modules, by the path of the files that may use them; absent means any. */
  node?: Readonly<Record<string, readonly string[]>>;
}

const ROOMS: Readonly<Record<string, RoomRule>> = {
  api: { own: ['api'], packages: ['zod'], node: {} },
  core: {
    own: ['api', 'core'],
    packages: ['canonicalize', 'zod'],
    node: { 'src/core/artifacts/': ['node:crypto'], 'src/core/naming.ts': ['node:crypto'] },
  },
  kube: { own: ['kube', 'api/time.ts'] },
  // What the runtime reports, it names in interfaces of its own; telemetry implements them.
  telemetry: { own: ['telemetry', 'kube', 'api/time.ts'] },
  controllers: { own: ['api', 'core', 'kube', 'telemetry', 'controllers'] },
  webhook: { own: ['api', 'core', 'kube', 'telemetry', 'webhook'] },
  agent: { own: ['api', 'core', 'agent', 'kube/clock.ts'] },
  dev: { own: ['api', 'core', 'kube', 'telemetry', 'controllers', 'webhook', 'agent', 'dev'] },
  app: { own: ['api', 'core', 'kube', 'telemetry', 'controllers', 'webhook', 'app'] },
  // The commands for CI work on files; of the runtime they need the clock alone.
  cli: { own: ['api', 'core', 'cli', 'kube/clock.ts'] },
  main: { own: ['*'] },
};

const IMPORT =
  /^\s*(?:import|export)\b[^'"]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/gm;
const AMBIENT_TIME =
  /\bDate\.now\(|\bperformance\.now\(|\bnew Date\(\)|(?<![.\w#])set(?:Timeout|Interval)\(|['"]node:timers/;
const CLOCK_FILES = [
  'src/kube/clock.ts',
  'src/agent/clock.ts',
  'src/telemetry/process-metrics.ts', // measures this process itself
  'src/main.ts',
  'src/main/',
  'src/dev/',
];
const AMBIENT_STATE =
  /\bMath\.random\(|(?<![.\w])process\.|(?<![.\w])console\.|\brandomUUID\(|\brandomBytes\(/;
const EXPORTED =
  /^export (?:async )?(?:abstract )?(?:function\*?|class|interface|type) (\w+)(?!.*\bz\.(?:infer|input|output)<)/;

/** Every place in `files` where a rule of CONTRIBUTING.md on imports, clocks or doc comments is broken. */
export function violations(files: readonly SourceFile[]): Violation[] {
  return files.flatMap((file) => [
    ...importViolations(file),
    ...ambientViolations(file),
    ...docViolations(file),
  ]);
}

function importViolations(file: SourceFile): Violation[] {
  const room = roomOf(file.path);
  const rule = ROOMS[room];
  if (rule === undefined) {
    return [
      {
        path: file.path,
        line: 1,
        message: `src/${room} is no room: add its rule to scripts/source-rules.ts`,
      },
    ];
  }
  const found: Violation[] = [];
  const text = withoutComments(file.text);
  for (const match of text.matchAll(IMPORT)) {
    const specifier = match[1] ?? match[2] ?? match[3] ?? '';
    const message = importProblem(file.path, room, rule, specifier);
    if (message !== undefined) found.push({ path: file.path, line: lineAt(text, match), message });
  }
  return found;
}

function importProblem(path: string, room: string, rule: RoomRule, specifier: string): string | undefined {
  if (specifier.startsWith('.')) {
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
    if (!target.startsWith('src/')) return `imports ${target}: src/ stands alone`;
    const inside = target.slice('src/'.length);
    const allowed = rule.own.some((own) => own === '*' || inside === own || inside.startsWith(`${own}/`));
    return allowed ? undefined : `imports ${inside}: ${room} may import only ${rule.own.join(', ')}`;
  }
  if (specifier.startsWith('node:')) {
    const allowed = Object.entries(rule.node ?? { src: [specifier] }).some(
      ([prefix, modules]) => path.startsWith(prefix) && modules.includes(specifier),
    );
    return allowed ? undefined : `imports ${specifier}: ${room} is pure, pass what it needs as a parameter`;
  }
  const name = specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
  if (rule.packages === undefined || rule.packages.includes(name)) return undefined;
  return `imports the package ${name}: ${room} may use only ${rule.packages.join(', ')}`;
}

function ambientViolations(file: SourceFile): Violation[] {
  const found: Violation[] = [];
  const mayTellTime = CLOCK_FILES.some((prefix) => file.path.startsWith(prefix));
  const pure = ['api', 'core'].includes(roomOf(file.path));
  for (const [index, line] of withoutComments(file.text).split('\n').entries()) {
    if (!mayTellTime && AMBIENT_TIME.test(line)) {
      found.push({
        path: file.path,
        line: index + 1,
        message: 'asks the machine for the time: take a Clock or `now`',
      });
    }
    if (pure && AMBIENT_STATE.test(line)) {
      found.push({ path: file.path, line: index + 1, message: 'reaches outside: api and core are pure' });
    }
  }
  return found;
}

function docViolations(file: SourceFile): Violation[] {
  const lines = file.text.split('\n');
  const documented = new Set<string>();
  const found: Violation[] = [];
  for (const [index, line] of lines.entries()) {
    const name = EXPORTED.exec(line)?.[1];
    if (name === undefined) continue;
    if (lines[index - 1]?.trimEnd().endsWith('*/') === true) documented.add(name);
    // An overload is covered by the comment on the first. A type inferred from a schema is described there.
    else if (!documented.has(name)) {
      found.push({ path: file.path, line: index + 1, message: `export ${name} has no doc comment` });
    }
  }
  return found;
}

/** The first folder under src/, or the file's name where it lies in src/ itself. */
function roomOf(path: string): string {
  return (path.split('/')[1] ?? '').replace(/\.ts$/, '');
}

/** Blanks comments, keeping every line where it is. Strings that look like comments do not occur in imports or calls. */
function withoutComments(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, (comment) => comment.replaceAll(/[^\n]/g, ' '))
    .replaceAll(/(^|\s)\/\/.*$/gm, '$1');
}

function lineAt(text: string, match: RegExpExecArray): number {
  const leading = /^\s*/.exec(match[0])?.[0].length ?? 0;
  return text.slice(0, match.index + leading).split('\n').length;
}
