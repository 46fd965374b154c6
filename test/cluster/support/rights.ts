import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { kube } from './cluster.ts';

/** What an account asked the API server for, each as `verb group/resource`. */
export interface Requests {
  readonly used: ReadonlySet<string>;
  readonly refused: readonly string[];
}

const entrySchema = z.object({
  verb: z.string(),
  user: z.object({ username: z.string() }),
  objectRef: z.object({
    apiGroup: z.string().default(''),
    resource: z.string(),
    subresource: z.string().optional(),
  }),
  responseStatus: z.object({ code: z.number() }).optional(),
});

const roleSchema = z.object({
  rules: z.array(
    z.object({ apiGroups: z.array(z.string()), resources: z.array(z.string()), verbs: z.array(z.string()) }),
  ),
});

/** Reads the API server's audit log for one account. */
export async function requestsOf(auditLog: string, account: string): Promise<Requests> {
  const used = new Set<string>();
  const refused = new Set<string>();
  for (const line of (await readFile(auditLog, 'utf8')).split('\n')) {
    if (!line.includes(account)) continue;
    const { verb, user, objectRef, responseStatus } = entrySchema.parse(JSON.parse(line));
    if (user.username !== account) continue;
    const { apiGroup, resource, subresource } = objectRef;
    const request = `${verb} ${apiGroup}/${resource}${subresource === undefined ? '' : `/${subresource}`}`;
    (responseStatus?.code === 403 ? refused : used).add(request);
  }
  return { used, refused: [...refused] };
}

/** What a Role of the installation grants, spelled as the requests are. */
export async function grantsOf(role: string): Promise<string[]> {
  const { rules } = roleSchema.parse(JSON.parse(await kube(['get', 'role', role, '-o', 'json'])));
  const grants = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${group}/${resource}`)),
    ),
  );
  return [...new Set(grants)].toSorted();
}
