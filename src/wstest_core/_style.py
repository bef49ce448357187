"""How the pages of failed tests look, on a bright screen and on a dark one."""

__all__ = ["STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --back: #fff; --fore: #1d2126; --faint: #6b727c; --rule: #dfe3e8; --box: #f4f6f8;
  --sent: #1f4e9c; --received: #14602f; --wrong: #b3261e; --remark: #8a4b00;
  --note: #fff6e0; --wrong-box: #fdf0ef;
}
@media (prefers-color-scheme: dark) { :root {
  --back: #16191d; --fore: #e4e7eb; --faint: #959da8; --rule: #333a42; --box: #20252b;
  --sent: #8ab4f8; --received: #7fd39b; --wrong: #ff8a80; --remark: #f0b860;
  --note: #33291a; --wrong-box: #331c1b;
} }
body {
  background: var(--back); color: var(--fore); margin: 2rem auto; max-width: 78rem;
  padding: 0 1rem; font: 15px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.5rem; margin: 0 0 1rem; overflow-wrap: anywhere }
h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem }
p { margin: 0 0 .3rem }
a { color: var(--sent) }
.where { color: var(--faint) }
p.error { color: var(--wrong); overflow-wrap: anywhere }
pre, .label, .words { font: 12.5px/1.45 ui-monospace, Menlo, Consolas, monospace }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
pre.error, details pre {
  background: var(--box); border-radius: 5px; padding: .8rem; margin: .4rem 0;
}
pre.error { background: var(--wrong-box) }
details { margin: .6rem 0 }
summary { cursor: pointer; color: var(--faint) }
table { border-collapse: collapse; width: 100% }
td, th {
  border-top: 1px solid var(--rule); padding: .35rem .8rem .35rem 0; text-align: left;
  vertical-align: top;
}
th { white-space: nowrap; width: 1%; padding-right: 2rem }
.entries td { font-size: 13px; color: var(--faint) }
.entries td:not(:last-child) { white-space: nowrap; width: 1% }
.entries td:first-child { text-align: right }
tr.sent pre { color: var(--sent) } tr.received pre { color: var(--received) }
tr.wrong pre { color: var(--wrong) } tr.remark pre { color: var(--remark) }
tr:target { background: var(--note) }
.picture { overflow-x: auto; padding-bottom: .5rem }
.picture svg { height: auto; max-width: max(100%, 52rem) }
svg { display: block; font-family: system-ui, sans-serif }
svg a { text-decoration: none }
svg .head rect { fill: var(--box); stroke: var(--faint) }
svg .head.application rect { fill: var(--fore); stroke: none }
svg .name { font-size: 14px; font-weight: 600; fill: var(--fore) }
svg .application .name { fill: var(--back) }
svg .lifeline { stroke: var(--rule) }
svg .alive { stroke: var(--faint); stroke-width: 3 }
svg .time { font-size: 12px; fill: var(--faint) }
svg .later { font-size: 12px; fill: var(--remark) }
svg .pause { stroke: var(--faint); stroke-dasharray: 1 6 }
svg .label {
  font-size: 12px; paint-order: stroke; stroke: var(--back); stroke-width: 4px;
  stroke-linejoin: round;
}
svg .words { font-size: 12px }
svg .line { stroke-width: 1.5 }
svg a:hover .line { stroke-width: 3 }
svg .sent { fill: var(--sent) } svg .sent .line { stroke: var(--sent) }
svg .received { fill: var(--received) } svg .received .line { stroke: var(--received) }
svg .wrong { fill: var(--wrong) } svg .wrong .line { stroke: var(--wrong) }
svg .remark { fill: var(--remark) } svg .remark .line { stroke: var(--remark) }
svg .remark rect { fill: var(--note); stroke: var(--remark); stroke-width: .5 }
svg a.sent .line { marker-end: url(#sent-end) }
svg a.received .line { marker-end: url(#received-end) }
svg a.wrong .line { marker-end: url(#wrong-end) }
svg a.remark .line { marker-end: url(#remark-end) }
svg .unread .line { stroke-dasharray: 5 4 }
svg .unread circle { fill: var(--back); stroke: var(--received) }
svg .failure { fill: var(--wrong) }
svg .failure .line { stroke: var(--wrong); stroke-dasharray: 8 4 }
svg .failure .label { font-weight: 600 }
"""
