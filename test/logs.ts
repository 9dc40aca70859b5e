import * as z from 'zod/mini';
import { type Received, startServer } from './http-server.ts';

export const logPrefix = '/aws/lambda/livechat-blue-';

/** A line that a function logged. */
interface LogLine {
  readonly at: string;
  readonly function: string;
  readonly message: string;
}

interface LogsOptions {
  /** Returns the lines that match the query, latest first. */
  readonly find: (queryString: string) => readonly LogLine[];
  readonly status?: () => 'Complete' | 'Failed';
  /** The error of every operation. */
  readonly error?: () => { readonly __type: string; readonly message: string } | undefined;
}

const startQuery = z.object({
  logGroupNames: z.array(z.string()),
  startTime: z.number(),
  endTime: z.number(),
  queryString: z.string(),
  limit: z.number(),
});
const getQueryResults = z.object({ queryId: z.string() });

/** The operation of a request to an AWS service. */
export const getOperation = (headers: Received['headers']) => `${headers['x-amz-target']}`.replace(/.*\./, '');

/** A line as CloudWatch Logs Insights returns it. */
const toResult = ({ at, function: name, message }: LogLine) => [
  { field: '@timestamp', value: at.replace('T', ' ').replace('Z', '') },
  { field: '@log', value: `000000000000:${logPrefix}${name}` },
  { field: '@message', value: message },
];

/** Starts CloudWatch Logs, with the log groups of two functions. */
export async function startLogs({ find, status = () => 'Complete', error = () => undefined }: LogsOptions) {
  const queries: z.infer<typeof startQuery>[] = [];
  const operations: Readonly<Record<string, (body: unknown) => unknown>> = {
    DescribeLogGroups: () => ({
      logGroups: ['webhook', 'send'].map((name) => ({ logGroupName: `${logPrefix}${name}` })),
    }),
    StartQuery: (body) => ({ queryId: `${queries.push(startQuery.parse(body)) - 1}` }),
    GetQueryResults: (body) => {
      const query = queries[Number(getQueryResults.parse(body).queryId)];
      return { status: status(), results: find(query?.queryString ?? '').map(toResult) };
    },
  };
  const { url, stop, received } = await startServer((response, { headers }) => {
    const failure = error();
    if (failure) return response.writeHead(400).end(JSON.stringify(failure));
    const body: unknown = JSON.parse(received.at(-1)?.body.toString() ?? '');
    return response.end(JSON.stringify(operations[getOperation(headers)]?.(body)));
  });
  return { url, stop, queries };
}
