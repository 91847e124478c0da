/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A trunk port of the switch with one VLAN: frames towards the director get its tag, frames from the
 * director lose it, and what has another tag or none is dropped. For tc; -DVLAN=N.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#define SECTION(name) __attribute__((section(name), used))
#define TPID          __builtin_bswap16(0x8100)
#define ID(tci)       ((tci) & 0xfff)

static long (*const push)(struct __sk_buff *, __be16, __u16) = (void *)BPF_FUNC_skb_vlan_push;
static long (*const pop)(struct __sk_buff *) = (void *)BPF_FUNC_skb_vlan_pop;

SECTION("egress") int to_director(struct __sk_buff *frame)
{
	return push(frame, TPID, VLAN) == 0 ? TC_ACT_OK : TC_ACT_SHOT;
}

SECTION("ingress") int from_director(struct __sk_buff *frame)
{
	if (!frame->vlan_present || ID(frame->vlan_tci) != VLAN)
		return TC_ACT_SHOT;
	return pop(frame) == 0 ? TC_ACT_OK : TC_ACT_SHOT;
}

SECTION("license") char dual_license[] = "Dual BSD/GPL";
