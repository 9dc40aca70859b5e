import type { ConversationSummary } from '../../../core/conversations/queries.ts';
import { Badge } from '../parts/badge.tsx';
import { shortTime, wholeTime } from '../parts/time.ts';
import { VirtualList } from '../parts/virtual-list.tsx';
import { linkTo } from '../shell/route.ts';
import { agentsOf, customerOf, toneOfStatus } from './people.ts';

function keyOf({ organizationId, id }: ConversationSummary): string {
  return `${organizationId}/${id}`;
}

/** Each conversation where it comes first: one that became active meanwhile is on a later page as well. */
export function once(list: readonly ConversationSummary[]): ConversationSummary[] {
  const seen = new Set<string>();
  return list.filter((one) => seen.size < seen.add(keyOf(one)).size);
}

interface ConversationRowsProps {
  readonly list: readonly ConversationSummary[];
  /** Called when the last of them comes into sight. */
  readonly onEnd?: (() => void) | undefined;
}

export function ConversationRows({ list, onEnd }: ConversationRowsProps) {
  return (
    <VirtualList
      items={list}
      keyOf={keyOf}
      estimate={61}
      label="Conversations"
      render={ConversationRow}
      onEnd={onEnd}
    />
  );
}

function ConversationRow(conversation: ConversationSummary) {
  const { id, organizationId, status, lastActivityAt } = conversation;
  return (
    <a class="row" href={linkTo('conversations', id, { organizationId })}>
      <span class="who">
        <b>{customerOf(conversation)}</b>
        <code>{id}</code>
      </span>
      <span class="with">{agentsOf(conversation) || 'nobody yet'}</span>
      <Badge tone={toneOfStatus[status]}>{status}</Badge>
      <time dateTime={lastActivityAt} title={wholeTime(lastActivityAt)}>
        {shortTime(lastActivityAt)}
      </time>
    </a>
  );
}
