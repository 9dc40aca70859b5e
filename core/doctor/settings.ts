import { parseVersion } from '../livechat/api.ts';
import { ConfigurationError, type Environment, wholeNumber } from '../platform/configuration.ts';
import { type Examination, type Finding, found } from './finding.ts';

const numbers: readonly (readonly [string, number])[] = [
  ['WEBHOOK_MAX_BYTES', 1],
  ['EVENT_MAX_BYTES', 1_000],
  ['SECRET_CACHE_SECONDS', 0],
  ['CONVERSATIONS_RETENTION_DAYS', 1],
  ['MESSAGES_RETENTION_DAYS', 1],
  ['LIVECHAT_CALLS_PER_SECOND', 1],
];

function checkAddress({ LIVECHAT_API_BASE_URL: url }: Environment): void {
  if (!url || ['https:', 'http:'].includes(URL.parse(url)?.protocol ?? '')) return;
  throw new ConfigurationError('LIVECHAT_API_BASE_URL', 'an address such as https://api.livechatinc.com');
}

/** The functions' settings: each is read as they read it. */
export function settings(environment: Environment): Examination {
  const about = 'settings';
  const { ok, fault } = found(about);
  const checks = [
    ...numbers.map(
      ([name, least]) =>
        () =>
          wholeNumber(name, least, least, environment),
    ),
    () => parseVersion(environment.LIVECHAT_API_VERSION || 'v3.6'),
    () => checkAddress(environment),
  ];
  const tried = (check: () => unknown): Finding[] => {
    try {
      check();
      return [];
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      return [
        fault(error.message, 'Set it where the stage is deployed from (or before `npm start`), and deploy again.'),
      ];
    }
  };
  return {
    about,
    async run() {
      const faults = checks.flatMap(tried);
      return faults.length > 0 ? faults : [ok('each is what it should be')];
    },
  };
}
