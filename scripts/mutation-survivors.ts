import { z } from 'zod';

const positionSchema = z.object({ line: z.number(), column: z.number() });

/** What is read of Stryker's report (mutation-testing-report-schema). */
export const mutationReportSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.string(),
      mutants: z.array(
        z.object({
          status: z.string(),
          replacement: z.string().optional(),
          location: z.object({ start: positionSchema, end: positionSchema }),
        }),
      ),
    }),
  ),
});

export type MutationReport = z.infer<typeof mutationReportSchema>;

/** A broken build that no test noticed; `key` names it whatever else its file says. */
export interface Survivor {
  readonly file: string;
  readonly line: number;
  readonly key: string;
}

/** What the explanations and a report say of one another. */
export interface SurvivorCheck {
  /** Nobody says why they survive. */
  readonly unexplained: readonly Survivor[];
  /** Keys of explanations whose mutants are noticed by now, or are no more. */
  readonly outdated: readonly string[];
}

/** Longest part of a key that is kept of a text. */
const TEXT_MAX = 120;
const SURVIVED: ReadonlySet<string> = new Set(['Survived', 'NoCoverage']);

/** The mutants of a report that no test noticed. */
export function survivorsOf({ files }: MutationReport): Survivor[] {
  return Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants
      .filter(({ status }) => SURVIVED.has(status))
      .map(({ replacement = '', location: { start, end } }) => {
        const first = lines[start.line - 1] ?? '';
        const range = lines.slice(start.line - 1, end.line);
        range[range.length - 1] = (range.at(-1) ?? '').slice(0, end.column - 1);
        range[0] = (range[0] ?? '').slice(start.column - 1);
        const key = [file, first.trim(), shortened(range.join('\n')), shortened(replacement)].join('\t');
        return { file, line: start.line, key };
      });
  });
}

/** Compares a report with the explanations, lines of which all columns but the last are the key. */
export function checkSurvivors(report: MutationReport, explanations: readonly string[]): SurvivorCheck {
  const survivors = survivorsOf(report);
  const surviving = new Set(survivors.map(({ key }) => key));
  const explained = new Set(explanations.map((line) => line.slice(0, line.lastIndexOf('\t'))));
  const looked = [...explained].filter((key) => key.slice(0, key.indexOf('\t')) in report.files);
  return {
    unexplained: survivors.filter(({ key }) => !explained.has(key)),
    outdated: looked.filter((key) => !surviving.has(key)),
  };
}

function shortened(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, TEXT_MAX);
}
