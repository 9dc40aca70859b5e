import { elementScroll, observeElementOffset, observeElementRect, Virtualizer } from '@tanstack/virtual-core';
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';

interface VirtualListProps<T> {
  readonly items: readonly T[];
  readonly itemKey: (item: T) => string;
  /** Estimated item height in pixels; rendered items are measured. */
  readonly estimate: number;
  readonly label: string;
  readonly render: (item: T, index: number) => ComponentChildren;
  /** Called when the last item becomes visible. */
  readonly onEnd?: (() => void) | undefined;
  /** Starts at the end and follows new items, as a chat does. */
  readonly fromEnd?: boolean;
  /** The key of the item to show first, marked. */
  readonly target?: string | undefined;
}

/** A list that renders only the visible items. */
export function VirtualList<T>({
  items,
  itemKey,
  estimate,
  label,
  render,
  onEnd,
  fromEnd,
  target,
}: VirtualListProps<T>) {
  const scroller = useRef<HTMLElement>(null);
  const [, redraw] = useReducer((count: number, _: unknown) => count + 1, 0);
  const options = {
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => estimate,
    getItemKey: (index: number) => {
      const item = items[index];
      return item === undefined ? index : itemKey(item);
    },
    overscan: 8,
    observeElementRect,
    observeElementOffset,
    scrollToFn: elementScroll,
    onChange: () => redraw(undefined),
  };
  const [virtualizer] = useState(() => new Virtualizer<HTMLElement, HTMLLIElement>(options));
  virtualizer.setOptions({ ...virtualizer.options, ...options });
  useEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());

  const count = items.length;
  const targetIndex = target === undefined ? -1 : items.findIndex((item) => itemKey(item) === target);
  const atEnd = useRef(targetIndex < 0);
  useLayoutEffect(() => {
    if (targetIndex < 0) return;
    atEnd.current = false;
    virtualizer.scrollToIndex(targetIndex, { align: 'center' });
  }, [virtualizer, target]);
  useLayoutEffect(() => {
    if (fromEnd && atEnd.current && count > 0) virtualizer.scrollToIndex(count - 1, { align: 'end' });
  }, [virtualizer, count, fromEnd]);

  const shown = virtualizer.getVirtualItems();
  const last = shown.at(-1)?.index ?? -1;
  useEffect(() => {
    if (count > 0 && last >= count - 1) onEnd?.();
  }, [last, count, onEnd]);

  return (
    <section
      class="scroller"
      ref={scroller}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable region must be focusable.
      tabIndex={0}
      aria-label={label}
      onScroll={({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) => {
        atEnd.current = scrollHeight - scrollTop - clientHeight < 80;
      }}
    >
      <ul class="virtual" style={{ height: `${virtualizer.getTotalSize()}px` }}>
        {shown.map(({ key, index, start }) => {
          const item = items[index];
          return (
            item !== undefined && (
              <li
                key={key}
                class={key === target ? 'target' : undefined}
                data-index={index}
                ref={(element) => virtualizer.measureElement(element)}
                style={{ transform: `translateY(${start}px)` }}
                aria-setsize={count}
                aria-posinset={index + 1}
              >
                {render(item, index)}
              </li>
            )
          );
        })}
      </ul>
    </section>
  );
}
