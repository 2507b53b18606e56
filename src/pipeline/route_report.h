/* route_report: how the routes stand: plain data, made by the core and shown by the API to operators. */
#ifndef HY_PIPELINE_ROUTE_REPORT_H
#define HY_PIPELINE_ROUTE_REPORT_H

#include "model/route.h"
#include "policy/canary.h"

struct route_report {
    char name[LANE_NAME_MAX + 1];
    char canary[LANE_NAME_MAX + 1]; /* the lane on trial; "": none */
    uint32_t permille;              /* of the recipients */
    bool out;                       /* it was taken out */
    struct canary_sample own, others;
};

#endif
